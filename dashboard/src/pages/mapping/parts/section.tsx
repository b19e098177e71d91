import { useState } from 'react';
import { number } from '../../../text/format';
import { plain } from '../../../text/words';
import Button from '../../../ui/button/button';
import layout from '../../../ui/layout/layout.module.css';
import Text from '../../../ui/text/text';
import { faultsAt, type Judged, type Told, tell } from '../faults';
import { begunFor, type Known, type Section, unfilled, usualCanBeMapped, usualWords } from '../fields';
import styles from '../page.module.css';
import { faultOf, isSame, jsonOf, keyOf, type Rule } from '../written';
import FieldPicker from './field-picker';
import RuleRow from './rule-row';

/** The rows of one kind of record, and what is filled there as usual. */
export default function SectionCard({
  section,
  known,
  provider,
  judged,
  open,
  refusal,
  onOpen,
  onChange,
}: {
  section: Section;
  known: Known;
  provider: string;
  judged: Judged | null;
  /** Keys of rows that are open. */
  open: ReadonlySet<string>;
  refusal: string | null;
  onOpen: (open: ReadonlySet<string>) => void;
  onChange: (rules: Rule[]) => void;
}) {
  const { name: object, fields, usual, rules } = section;
  const [isPicking, setPicking] = useState(false);
  const fieldOf = (name: string) => fields.find((one) => one.name === name);
  const usualOf = (name: string) => usual.find((one) => one.field === name);
  const add = (name: string) => {
    const rule = begunFor(object, name, usualOf(name));
    setPicking(false);
    onOpen(new Set([...open, keyOf(rule)]));
    onChange([...rules, rule]);
  };
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    onOpen(next);
  };
  const isGone = ({ field }: Rule) => known === 'told' && !fieldOf(field) && !usualOf(field);
  const toldOf = (rule: Rule): Told[] => {
    if (isGone(rule)) {
      const message = `${provider} has no such field, so leads would be parked. Add it there, or remove the row.`;
      return [{ message, fix: null }];
    }
    const own = faultOf(rule);
    if (own) return [{ message: own, fix: null }];
    return faultsAt(rule, judged).map((fault) => tell(fault, rule, fieldOf(rule.field)));
  };
  const missing = unfilled(section);
  const title = plain(object);
  return (
    <section className={layout.card} aria-label={title}>
      <div className={layout.top}>
        <h2>
          <Text>{title}</Text>
        </h2>
        <span className={layout.end}>
          <Button refusal={refusal} onClick={() => setPicking(true)}>
            Add a field<span className="hidden-but-read"> of {title}</span>
          </Button>
        </span>
      </div>
      {rules.length === 0 ? (
        <p className={layout.faint}>No row yet: everything is filled as usual.</p>
      ) : (
        <ul className={styles.list}>
          {rules.map((rule) => {
            const key = keyOf(rule);
            const told = toldOf(rule);
            const was = judged?.rules.find((one) => keyOf(one) === key);
            const isTaken = was !== undefined && isSame(jsonOf(was), jsonOf(rule)) && known === 'told';
            return (
              <RuleRow
                key={key}
                rule={rule}
                field={fieldOf(rule.field)}
                usual={usualOf(rule.field)}
                provider={provider}
                isOpen={open.has(key) && !refusal}
                mark={
                  told.length > 0 ? (
                    <span className={styles.fault}>
                      ▲ {number(told.length)}
                      <span className="hidden-but-read"> to be looked at</span>
                    </span>
                  ) : (
                    isTaken && (
                      <>
                        <span aria-hidden>✓</span>
                        <span className="hidden-but-read">{provider} takes it</span>
                      </>
                    )
                  )
                }
                told={told}
                refusal={refusal}
                onOpen={() => toggle(key)}
                onChange={(next) => onChange(rules.map((one) => (one === rule ? next : one)))}
                onRemove={() => onChange(rules.filter((one) => one !== rule))}
              />
            );
          })}
        </ul>
      )}
      {missing.length > 0 && (
        <ul className={styles.told}>
          {missing.map(({ name, label }) => (
            <li key={name}>
              <span className={styles.fault}>
                <span aria-hidden>▲ </span>
                {provider} wants <Text>{label}</Text>, and nothing fills it.
              </span>{' '}
              <Button refusal={refusal} onClick={() => add(name)}>
                Fill it<span className="hidden-but-read"> {label}</span>
              </Button>
            </li>
          ))}
        </ul>
      )}
      <details>
        <summary>
          Filled as usual: {number(usual.length)} {usual.length === 1 ? 'field' : 'fields'}
        </summary>
        <ul className={styles.usual}>
          {usual.map((one) => {
            const label = fieldOf(one.field)?.label ?? one.field;
            const isMapped = rules.some(({ field }) => field === one.field);
            return (
              <li key={one.field}>
                <span>
                  <Text>{label}</Text>{' '}
                  {label !== one.field && (
                    <code>
                      <Text>{one.field}</Text>
                    </code>
                  )}
                  <span className={layout.faint}>
                    {' '}
                    <Text>{usualWords(one.from)}</Text>
                    {one.write === 'always' ? ', each time' : ''}
                  </span>
                </span>
                {isMapped ? (
                  <span className={layout.faint}>has a row</span>
                ) : usualCanBeMapped(one) ? (
                  <Button look="quiet" refusal={refusal} onClick={() => add(one.field)}>
                    Fill otherwise<span className="hidden-but-read"> {label}</span>
                  </Button>
                ) : (
                  <span className={layout.faint}>stays so</span>
                )}
              </li>
            );
          })}
        </ul>
      </details>
      {isPicking && (
        <FieldPicker
          object={title}
          provider={provider}
          fields={known === 'told' ? fields : []}
          usual={usual}
          mapped={new Set(rules.map(({ field }) => field))}
          onPick={add}
          onClose={() => setPicking(false)}
        />
      )}
    </section>
  );
}
