import type { ReactNode } from 'react';
import type { Schemas } from '../../../api/client';
import Button from '../../../ui/button/button';
import Field, { Input, Select, TextArea } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Text from '../../../ui/text/text';
import type { Told } from '../faults';
import { takenBy, usualWords } from '../fields';
import { NOTHING_SAID } from '../functions';
import styles from '../page.module.css';
import { fieldAt } from '../paths';
import { type Kind, type Part, type Rule, ruleWords } from '../written';
import PathInput from './path-input';
import SaidInput from './said-input';
import Steps from './steps';

/** A mapping takes no more. */
const MOST_PARTS = 10;

/** What fills one field of the CRM: in a line, and, open, to be changed. */
export default function RuleRow({
  rule,
  field,
  usual,
  provider,
  isOpen,
  mark,
  told,
  refusal,
  onOpen,
  onChange,
  onRemove,
}: {
  rule: Rule;
  /** The field as the CRM describes it, if it does. */
  field: Schemas['ConnectionField'] | undefined;
  /** How it is filled without this row. */
  usual: Schemas['UsualField'] | undefined;
  provider: string;
  isOpen: boolean;
  mark: ReactNode;
  told: readonly Told[];
  refusal: string | null;
  onOpen: () => void;
  onChange: (rule: Rule) => void;
  onRemove: () => void;
}) {
  const name = field?.label ?? rule.field;
  return (
    <li className={styles.row}>
      <div className={styles.head}>
        <span className={styles.what}>
          <Text>{ruleWords(rule)}</Text> <span aria-hidden>→</span>
          <span className="hidden-but-read">fills</span>{' '}
          <strong>
            <Text>{name}</Text>
          </strong>
          {name !== rule.field && (
            <>
              {' '}
              <code>
                <Text>{rule.field}</Text>
              </code>
            </>
          )}
        </span>
        <span className={styles.mark}>{mark}</span>
        <span className={layout.buttons}>
          <Button look="quiet" refusal={refusal} aria-expanded={isOpen} onClick={onOpen}>
            {isOpen ? 'Close' : 'Change'}
            <span className="hidden-but-read"> {name}</span>
          </Button>
          <Button look="quiet" refusal={refusal} onClick={onRemove}>
            Remove<span className="hidden-but-read"> {name}</span>
          </Button>
        </span>
      </div>
      {told.length > 0 && (
        <ul className={styles.told}>
          {told.map(({ message, fix }) => (
            <li key={message}>
              <span className={styles.fault}>
                <span aria-hidden>▲ </span>
                <Text>{message}</Text>
              </span>{' '}
              {fix && (
                <Button refusal={refusal} onClick={() => onChange({ ...rule, steps: fix.steps })}>
                  {fix.label}
                  <span className="hidden-but-read"> for {name}</span>
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {isOpen && (
        <fieldset className={styles.open}>
          <legend className="hidden-but-read">What fills {name}</legend>
          {field && (
            <p className={layout.faint}>
              {provider} takes: <Text>{takenBy(field)}</Text>.
            </p>
          )}
          {usual && (
            <p className={layout.faint}>
              Without this row it is filled as usual: <Text>{usualWords(usual.from)}</Text>. With it, what
              stands in usually is not.
            </p>
          )}
          {usual?.mapping === 'form' ? (
            <p>People are found by it, so only the form in which it is written can be changed.</p>
          ) : (
            <From rule={rule} field={field} isUsual={usual !== undefined} onChange={onChange} />
          )}
          {rule.kind !== 'nothing' && rule.kind !== 'json' && (
            <>
              <Steps
                steps={rule.steps}
                words={rule.kind === 'path' ? (fieldAt(rule.path)?.words ?? []) : []}
                field={field}
                onChange={(steps) => onChange({ ...rule, steps })}
              />
              <Field label="When it is written">
                {(props) => (
                  <Select {...props} value={rule.write} onChange={(write) => onChange({ ...rule, write })}>
                    <option value="">As usual: {usual?.write === 'always' ? EACH_TIME : WHILE_EMPTY}</option>
                    <option value="if_empty">Always {WHILE_EMPTY}</option>
                    <option value="always">Always {EACH_TIME}</option>
                  </Select>
                )}
              </Field>
            </>
          )}
        </fieldset>
      )}
    </li>
  );
}

const WHILE_EMPTY = 'while it is empty, so that what people wrote stays';
const EACH_TIME = 'each time, over what stands there';

const KINDS: readonly { kind: Kind; label: string }[] = [
  { kind: 'path', label: 'One of our fields' },
  { kind: 'value', label: 'Words of your own' },
  { kind: 'concat', label: 'Several, together' },
  { kind: 'first', label: 'The first of several that is there' },
  { kind: 'nothing', label: 'Nothing: it is left out' },
  { kind: 'json', label: 'Written by hand, in JSON' },
];

function From({
  rule,
  field,
  isUsual,
  onChange,
}: {
  rule: Rule;
  field: Schemas['ConnectionField'] | undefined;
  isUsual: boolean;
  onChange: (rule: Rule) => void;
}) {
  // Leaving out is for what is filled as usual: of another field the row is removed.
  const kinds = KINDS.filter(({ kind }) => kind !== 'nothing' || isUsual || rule.kind === 'nothing');
  return (
    <>
      <Field label="Filled with">
        {(props) => (
          <Select {...props} value={rule.kind} onChange={(kind) => onChange({ ...rule, kind: kind as Kind })}>
            {kinds.map(({ kind, label }) => (
              <option key={kind} value={kind}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {rule.kind === 'path' && (
        <PathInput label="Our field" path={rule.path} onChange={(path) => onChange({ ...rule, path })} />
      )}
      {rule.kind === 'value' && (
        <SaidInput
          aria-label="Words of your own"
          value={rule.value}
          field={field}
          onChange={(value) => onChange({ ...rule, value })}
        />
      )}
      {(rule.kind === 'concat' || rule.kind === 'first') && <Parts rule={rule} onChange={onChange} />}
      {rule.kind === 'json' && (
        <Field label="As JSON" help="What a mapping can say, whole: docs/user/crm-integration.md.">
          {(props) => (
            <TextArea
              {...props}
              rows={Math.min(12, rule.json.split('\n').length + 1)}
              value={rule.json}
              onChange={(json) => onChange({ ...rule, json })}
              spellCheck={false}
            />
          )}
        </Field>
      )}
    </>
  );
}

function Parts({ rule, onChange }: { rule: Rule; onChange: (rule: Rule) => void }) {
  const set = (parts: readonly Part[]) => onChange({ ...rule, parts });
  return (
    <div className={styles.parts}>
      {rule.parts.map((part, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a part is known by its place.
        <div key={at} className={styles.part}>
          {part.kind === 'path' ? (
            <PathInput
              label={`Part ${at + 1}`}
              path={part.path}
              onChange={(path) => set(rule.parts.with(at, { kind: 'path', path }))}
            />
          ) : (
            <SaidInput
              aria-label={`Part ${at + 1}, in words of your own`}
              value={part.value}
              field={undefined}
              onChange={(value) => set(rule.parts.with(at, { kind: 'value', value }))}
            />
          )}
          {rule.parts.length > 1 && (
            <Button look="quiet" onClick={() => set(rule.parts.toSpliced(at, 1))}>
              Remove<span className="hidden-but-read"> part {at + 1}</span>
            </Button>
          )}
        </div>
      ))}
      {rule.parts.length < MOST_PARTS && (
        <div className={layout.buttons}>
          <Button onClick={() => set([...rule.parts, { kind: 'path', path: '' }])}>
            Add one of our fields
          </Button>
          <Button onClick={() => set([...rule.parts, { kind: 'value', value: NOTHING_SAID }])}>
            Add words of your own
          </Button>
        </div>
      )}
      {rule.kind === 'concat' && (
        <Field label="What stands between">
          {(props) => (
            <Input
              {...props}
              value={rule.between}
              onChange={(between) => onChange({ ...rule, between })}
              maxLength={1000}
            />
          )}
        </Field>
      )}
    </div>
  );
}
