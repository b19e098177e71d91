import { plain } from '../../text/words';
import Field, { Check, Input, Select, TextArea } from '../field/field';
import { type Shape, settingsOf, type Written, writtenOf } from './schema';
import styles from './schema-form.module.css';

type Props = {
  shapes: readonly Shape[];
  written: Written;
  onChange: (written: Written) => void;
  /** What is wrong with a field, by its path: `bot_check.service`. */
  faultOf: (path: string) => string | undefined;
  isDisabled: boolean;
  path?: string;
};

/** A group of more lists than this shows those that are filled in, and offers the others. */
const MANY = 8;

/** Fields for settings that a schema describes. */
export default function SchemaForm({ shapes, written, onChange, faultOf, isDisabled, path = '' }: Props) {
  return (
    <div className={styles.fields}>
      {shapes.map((shape) => (
        <One
          key={shape.name}
          shape={shape}
          value={written[shape.name] ?? null}
          onChange={(value) => onChange({ ...written, [shape.name]: value })}
          faultOf={faultOf}
          isDisabled={isDisabled}
          path={path ? `${path}.${shape.name}` : shape.name}
        />
      ))}
    </div>
  );
}

function One({
  shape,
  value,
  onChange,
  faultOf,
  isDisabled,
  path,
}: {
  shape: Shape;
  value: string | Written | null;
  onChange: (value: string | Written | null) => void;
  faultOf: Props['faultOf'];
  isDisabled: boolean;
  path: string;
}) {
  const label = plain(shape.name);
  if (shape.kind === 'group') {
    const group = typeof value === 'object' ? value : null;
    const shared = { faultOf, isDisabled, path };
    return (
      <fieldset className={styles.group}>
        <legend>{label}</legend>
        <p className={styles.help}>{shape.help}</p>
        {shape.isOptional && shape.fields.length <= MANY && (
          <Check
            isOn={group !== null}
            disabled={isDisabled}
            onChange={(isOn) => onChange(isOn ? begun(shape.fields) : null)}
          >
            Use it
          </Check>
        )}
        {shape.fields.length > MANY ? (
          <Many shapes={shape.fields} written={group ?? {}} onChange={onChange} {...shared} />
        ) : (
          group && <SchemaForm shapes={shape.fields} written={group} onChange={onChange} {...shared} />
        )}
      </fieldset>
    );
  }
  const text = typeof value === 'string' ? value : '';
  if (shape.kind === 'yes-no') {
    return (
      <Check isOn={text === 'true'} disabled={isDisabled} onChange={(isOn) => onChange(String(isOn))}>
        {label}. {shape.help}
      </Check>
    );
  }
  const shared = { value: text, onChange, disabled: isDisabled };
  const help = shape.kind === 'lines' ? `${shape.help} A line for each.` : shape.help;
  return (
    <Field label={label} help={help} error={faultOf(path)}>
      {(props) => {
        switch (shape.kind) {
          case 'lines':
            return <TextArea {...props} {...shared} rows={Math.min(8, text.split('\n').length + 1)} />;
          case 'choice':
            return (
              <Select {...props} {...shared}>
                {shape.isOptional && <option value="">Not said</option>}
                {shape.options.map((option) => (
                  <option key={option} value={option}>
                    {plain(option)}
                  </option>
                ))}
              </Select>
            );
          case 'number':
            return (
              <Input
                {...props}
                {...shared}
                type="number"
                min={shape.min}
                max={shape.max}
                step={shape.isWhole ? 1 : 'any'}
                required={!shape.isOptional}
              />
            );
          case 'text':
            return shape.isLong ? (
              <TextArea {...props} {...shared} rows={3} maxLength={shape.maxLength} />
            ) : (
              <Input {...props} {...shared} maxLength={shape.maxLength} />
            );
        }
      }}
    </Field>
  );
}

/** A group that is filled in from nothing: choices have their first word. */
const begun = (fields: readonly Shape[]): Written => ({
  ...writtenOf(fields, settingsOf(fields, {})),
  ...Object.fromEntries(
    fields.flatMap((one) =>
      one.kind === 'choice' && !one.isOptional ? [[one.name, one.options[0] ?? '']] : [],
    ),
  ),
});

/** Many fields, of which few are used: those that are filled in, and a way to add another. */
function Many({
  shapes,
  written,
  onChange,
  ...shared
}: {
  shapes: readonly Shape[];
  written: Written;
  onChange: (written: Written) => void;
  faultOf: Props['faultOf'];
  isDisabled: boolean;
  path: string;
}) {
  const isUsed = ({ name }: Shape) =>
    written[name] !== undefined && written[name] !== null && written[name] !== '';
  const used = shapes.filter((shape) => isUsed(shape) || written[shape.name] === ' ');
  const others = shapes.filter((shape) => !used.includes(shape));
  return (
    <>
      <SchemaForm shapes={used} written={written} onChange={onChange} {...shared} />
      {others.length > 0 && (
        <Field label="Add a field">
          {(props) => (
            <Select
              {...props}
              value=""
              disabled={shared.isDisabled}
              // A blank keeps it in sight until something is written there.
              onChange={(name) => name && onChange({ ...written, [name]: ' ' })}
            >
              <option value="">Choose…</option>
              {others.map(({ name }) => (
                <option key={name} value={name}>
                  {plain(name)}
                </option>
              ))}
            </Select>
          )}
        </Field>
      )}
    </>
  );
}
