import type { Schemas } from '../../../api/client';

type Source = Pick<Schemas['Source'], 'name' | 'office_id' | 'accounts'>;

/** What can be changed about a source, as somebody writes it. */
export type Written = {
  /** Empty: nobody has named it. */
  name: string;
  /** An office's id; empty for the first. */
  office: string;
  /** Ids with commas between them. */
  accounts: string;
};

export const writtenOf = (source: Source): Written => ({
  name: source.name ?? '',
  office: source.office_id ?? '',
  accounts: source.accounts.join(', '),
});

/** What is sent: only what differs from what was seen, so that nobody else's change of another field is undone. */
export function changeOf(seen: Source, written: Written): Schemas['ChangedSource'] {
  const name = written.name.trim() || null;
  const office = written.office || null;
  const accounts = written.accounts
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean);
  return {
    ...(name !== seen.name && { name }),
    ...(office !== seen.office_id && { office_id: office }),
    ...(accounts.join('\n') !== seen.accounts.join('\n') && { accounts }),
  };
}

/** Each field that two saved differently, with both values in words. */
export function differences(
  theirs: Source,
  written: Written,
  officeName: (id: string) => string,
): { field: string; theirs: string; mine: string }[] {
  const other = writtenOf(theirs);
  const fields: { key: keyof Written; field: string; inWords: (value: string) => string }[] = [
    { key: 'name', field: 'Name', inWords: (value) => value || 'no name' },
    { key: 'office', field: 'Office', inWords: officeName },
    { key: 'accounts', field: 'Account IDs', inWords: (value) => value || 'any' },
  ];
  const changed = changeOf(theirs, written);
  const isChanged = {
    name: 'name' in changed,
    office: 'office_id' in changed,
    accounts: 'accounts' in changed,
  };
  return fields.flatMap(({ key, field, inWords }) =>
    isChanged[key] ? [{ field, theirs: inWords(other[key]), mine: inWords(written[key].trim()) }] : [],
  );
}
