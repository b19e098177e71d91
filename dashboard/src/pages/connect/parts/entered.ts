import type { Schemas } from '../../../api/client';

/** What somebody entered to connect a source. */
export type Entered = {
  /** By the names of the catalogue's fields. */
  fields: Record<string, string>;
  /** Ids with commas between them. */
  accounts: string;
  /** An office's id; empty for the first. */
  office: string;
  /** What another account of the provider is called; empty for the only one. */
  connection: string;
};

export const NOTHING: Entered = { fields: {}, accounts: '', office: '', connection: '' };

/** What is sent of it: what was left empty is left out. */
export function newSource(
  { provider, fields }: Pick<Schemas['Connectable'], 'provider' | 'fields'>,
  entered: Entered,
): Schemas['NewConnectedSource'] {
  const given = fields.flatMap(({ name }) => {
    const value = entered.fields[name]?.trim();
    return value ? [[name, value] as const] : [];
  });
  const { secret, ...settings } = Object.fromEntries(given);
  const accounts = entered.accounts
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean);
  const connection = entered.connection.trim();
  return {
    provider,
    ...(secret && { secret }),
    ...(Object.keys(settings).length > 0 && { settings }),
    ...(accounts.length > 0 && { accounts }),
    ...(entered.office && { office_id: entered.office }),
    ...(connection && { connection }),
  };
}
