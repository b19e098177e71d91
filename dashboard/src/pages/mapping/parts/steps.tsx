import type { Schemas } from '../../../api/client';
import { number } from '../../../text/format';
import { plain } from '../../../text/words';
import Button from '../../../ui/button/button';
import Field, { Input, Select } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import { begun, DATES, FUNCTIONS, NOTHING_SAID, PHONES, type Step, type StepName } from '../functions';
import styles from '../page.module.css';
import SaidInput from './said-input';

type Target = Schemas['ConnectionField'] | undefined;

/** A mapping takes no more. */
const MOST = 10;

/** What becomes of a value on its way, one behind the other. */
export default function Steps({
  steps,
  words,
  field,
  onChange,
}: {
  steps: readonly Step[];
  /** The words that the value can be; empty if any. */
  words: readonly string[];
  field: Target;
  onChange: (steps: Step[]) => void;
}) {
  const set = (at: number, step: Step) => onChange(steps.map((one, index) => (index === at ? step : one)));
  return (
    <>
      {steps.length > 0 && (
        <ol className={styles.steps} aria-label="What becomes of it">
          {steps.map((step, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a function is known by its place.
            <li key={at}>
              <OneStep
                step={step}
                words={at === 0 ? words : []}
                field={field}
                onChange={(next) => set(at, next)}
              />
              <div className={layout.buttons}>
                {at > 0 && (
                  <Button look="quiet" onClick={() => onChange(earlier(steps, at))}>
                    Earlier<span className="hidden-but-read"> {nameOf(step.name)}</span>
                  </Button>
                )}
                <Button look="quiet" onClick={() => onChange(steps.filter((_, index) => index !== at))}>
                  Without this<span className="hidden-but-read"> {nameOf(step.name)}</span>
                </Button>
              </div>
            </li>
          ))}
        </ol>
      )}
      {steps.length < MOST && (
        <Field label={steps.length > 0 ? 'And then' : 'What becomes of it'}>
          {(props) => (
            <Select
              {...props}
              value=""
              onChange={(name) =>
                name && onChange([...steps, begun(name as StepName, steps.length === 0 ? words : [])])
              }
            >
              <option value="">{steps.length > 0 ? 'Nothing more' : 'It is sent as it is'}</option>
              {FUNCTIONS.map(({ name, label }) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
      )}
    </>
  );
}

const nameOf = (name: StepName): string => FUNCTIONS.find((one) => one.name === name)?.label ?? name;

const earlier = (steps: readonly Step[], at: number): Step[] =>
  steps.toSpliced(at, 1).toSpliced(at - 1, 0, ...steps.slice(at, at + 1));

function OneStep({
  step,
  words,
  field,
  onChange,
}: {
  step: Step;
  words: readonly string[];
  field: Target;
  onChange: (step: Step) => void;
}) {
  const label = nameOf(step.name);
  switch (step.name) {
    case 'label':
    case 'upper':
    case 'lower':
      return <p className={styles.stepName}>{label}</p>;
    case 'cut':
      return (
        <Field label={`${label}: so many characters`}>
          {(props) => (
            <Input
              {...props}
              inputMode="numeric"
              value={step.most}
              onChange={(most) => onChange({ ...step, most })}
            />
          )}
        </Field>
      );
    case 'number':
      return (
        <Field label={label} help="$18,500.50 is a number, too. What is none becomes nothing.">
          {(props) => (
            <Select {...props} value={step.decimals} onChange={(decimals) => onChange({ ...step, decimals })}>
              <option value="">With the decimals that it has</option>
              {[0, 1, 2, 3, 4, 5, 6].map((many) => (
                <option key={many} value={String(many)}>
                  {many === 0
                    ? 'Without decimals'
                    : many === 1
                      ? 'With 1 decimal'
                      : `With ${number(many)} decimals`}
                </option>
              ))}
            </Select>
          )}
        </Field>
      );
    case 'join':
      return (
        <Field label={label} help="What stands between.">
          {(props) => (
            <Input
              {...props}
              value={step.between}
              onChange={(between) => onChange({ ...step, between })}
              maxLength={1000}
            />
          )}
        </Field>
      );
    case 'date':
    case 'phone':
      return (
        <Field label={label}>
          {(props) => (
            <Select {...props} value={step.form} onChange={(form) => onChange({ ...step, form })}>
              {Object.entries(step.name === 'date' ? DATES : PHONES).map(([form, example]) => (
                <option key={form} value={form}>
                  {example}
                </option>
              ))}
            </Select>
          )}
        </Field>
      );
    case 'default':
      return (
        <Field label={label}>
          {(props) => (
            <SaidInput
              {...props}
              value={step.instead}
              field={field}
              onChange={(instead) => onChange({ ...step, instead })}
            />
          )}
        </Field>
      );
    case 'map':
      return <Words step={step} words={words} field={field} onChange={onChange} />;
  }
}

/** Which word becomes which. Words that the value can be have rows, whether or not they are replaced. */
function Words({
  step,
  words,
  field,
  onChange,
}: {
  step: Extract<Step, { name: 'map' }>;
  words: readonly string[];
  field: Target;
  onChange: (step: Step) => void;
}) {
  const isOurs = (word: string) => words.includes(word);
  const others = step.values.filter(({ word }) => !isOurs(word));
  // Those of ours stand first and stay where they are: nothing moves under the hand.
  const rows = [
    ...words.map((word) => step.values.find((one) => one.word === word) ?? { word, becomes: NOTHING_SAID }),
    ...others,
  ];
  const set = (next: typeof rows) =>
    onChange({ ...step, values: next.filter(({ word, becomes }) => becomes.text !== '' || !isOurs(word)) });
  return (
    <fieldset className={styles.words}>
      <legend>Replace words by others</legend>
      <p className={layout.faint}>
        Small and capital letters are the same. What is left empty is as all other words.
      </p>
      {rows.map(({ word, becomes }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a word is known by its place while it is typed.
        <div key={at} className={styles.word}>
          {isOurs(word) ? (
            <span>{plain(word)}</span>
          ) : (
            <Input
              aria-label={`Word ${at + 1}`}
              placeholder="Word"
              value={word}
              onChange={(next) => set(rows.with(at, { word: next, becomes }))}
              autoComplete="off"
            />
          )}
          <span aria-hidden>→</span>
          <SaidInput
            aria-label={`What “${isOurs(word) ? plain(word) : word}” becomes`}
            value={becomes}
            field={field}
            onChange={(next) => set(rows.with(at, { word, becomes: next }))}
          />
          {!isOurs(word) && (
            <Button look="quiet" onClick={() => set(rows.toSpliced(at, 1))}>
              Remove<span className="hidden-but-read"> word {at + 1}</span>
            </Button>
          )}
        </div>
      ))}
      <div className={layout.buttons}>
        <Button onClick={() => set([...rows, { word: '', becomes: NOTHING_SAID }])}>Add a word</Button>
      </div>
      <div className={layout.pair}>
        <Field label="All other words">
          {(props) => (
            <Select
              {...props}
              value={step.otherwise}
              onChange={(otherwise) => onChange({ ...step, otherwise: otherwise as typeof step.otherwise })}
            >
              <option value="kept">Stay as they are</option>
              <option value="instead">Become one word</option>
              <option value="nothing">Become nothing</option>
            </Select>
          )}
        </Field>
        {step.otherwise === 'instead' && (
          <Field label="Which word">
            {(props) => (
              <SaidInput
                {...props}
                value={step.instead}
                field={field}
                onChange={(instead) => onChange({ ...step, instead })}
              />
            )}
          </Field>
        )}
      </div>
    </fieldset>
  );
}
