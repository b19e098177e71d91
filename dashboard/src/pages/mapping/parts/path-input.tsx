import { Input, Select } from '../../../ui/field/field';
import styles from '../page.module.css';
import { fieldAt, OUR_FIELDS, OWN_NAMES, ownNameOf } from '../paths';

/** One of our fields; what a lead has under a name of its own is written. */
export default function PathInput({
  label,
  path,
  onChange,
}: {
  label: string;
  path: string;
  onChange: (path: string) => void;
}) {
  const own = ownNameOf(path);
  const isKnown = own !== undefined || fieldAt(path) !== undefined;
  return (
    <div className={styles.path}>
      <Select aria-label={label} value={own?.prefix ?? path} onChange={onChange}>
        {!isKnown && <option value={path}>{path || 'Choose one of our fields…'}</option>}
        {OUR_FIELDS.map(({ group, fields }) => (
          <optgroup key={group} label={group}>
            {fields.map((field) => (
              <option key={field.path} value={field.path}>
                {field.name}
              </option>
            ))}
          </optgroup>
        ))}
        <optgroup label="Under names of their own">
          {OWN_NAMES.map(({ prefix, name }) => (
            <option key={prefix} value={prefix}>
              {name}
            </option>
          ))}
        </optgroup>
      </Select>
      {own && (
        <Input
          aria-label={`${label}: ${own.asks.toLowerCase()}`}
          placeholder={own.asks}
          title={own.help}
          value={path.slice(own.prefix.length)}
          onChange={(name) => onChange(`${own.prefix}${name}`)}
          maxLength={200}
          autoComplete="off"
        />
      )}
    </div>
  );
}
