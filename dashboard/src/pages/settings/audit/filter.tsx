import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import Button, { buttonClass } from '../../../ui/button/button';
import Field, { Input } from '../../../ui/field/field';
import styles from '../settings.module.css';
import { type AuditSearch, readAuditSearch } from './search';

const FIELDS = [
  { key: 'actor', label: 'Who', type: 'text', example: 'maria@example.com' },
  { key: 'action', label: 'Did', type: 'text', example: 'secret.set' },
  { key: 'object', label: 'To', type: 'text', example: 'hubspot' },
  { key: 'from', label: 'From', type: 'date', example: undefined },
  { key: 'to', label: 'Until', type: 'date', example: undefined },
] as const;

/** What is filtered for. It is mounted anew where the address says something else. */
export default function Filter({
  tenant,
  search,
  onSearch,
}: {
  tenant: string;
  search: AuditSearch;
  onSearch: (next: AuditSearch) => void;
}) {
  const [written, setWritten] = useState<AuditSearch>(search);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    onSearch(readAuditSearch(written));
  };
  return (
    <form className={styles.filter} onSubmit={onSubmit} aria-label="Filter">
      {FIELDS.map(({ key, label, type, example }) => (
        <Field key={key} label={label}>
          {(props) => (
            <Input
              {...props}
              type={type}
              value={written[key] ?? ''}
              onChange={(value) => setWritten({ ...written, [key]: value })}
              placeholder={example}
              autoComplete="off"
              spellCheck={false}
            />
          )}
        </Field>
      ))}
      <Button type="submit">Show</Button>
      {Object.keys(search).length > 0 && (
        <Link to="/t/$tenant/settings/audit" params={{ tenant }} search={{}} className={buttonClass('quiet')}>
          All
        </Link>
      )}
    </form>
  );
}
