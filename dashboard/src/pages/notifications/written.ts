// Who is told, as it is written, and what that says.
import type { Config } from '../../api/config';
import { readList } from '../../text/lists';

/** A place in a team's chat. */
export type Place = {
  /** The chat's provider. */
  channel: string;
  connection: string;
  /** The provider's id of it; empty: where the connection leads by itself. */
  to: string;
  showsContact: boolean;
};

export type Written = {
  email: string;
  from: string;
  fromName: string;
  /** The connection that mail leaves by; empty: the first that carries it. */
  connection: string;
  unknownWait: string;
  places: Place[];
};

const USUAL_WAIT_SECONDS = 600;

export const write = ({ notifications: said }: Config): Written => ({
  email: (said?.email ?? []).join('\n'),
  from: said?.from ?? '',
  fromName: said?.from_name ?? '',
  connection: said?.connection ?? '',
  unknownWait: String(said?.unknown_wait_seconds ?? USUAL_WAIT_SECONDS),
  places: (said?.channels ?? []).map(({ channel, connection, to, shows_contact }) => ({
    channel,
    connection,
    to: to ?? '',
    showsContact: shows_contact ?? false,
  })),
});

/** What is written, over all of a configuration that this page does not show. */
export const read = (before: Config, written: Written): Config => ({
  ...before,
  notifications: {
    ...before.notifications,
    email: readList(written.email),
    from: written.from.trim() || null,
    from_name: written.fromName.trim() || null,
    connection: written.connection || null,
    unknown_wait_seconds: Number(written.unknownWait),
    channels: written.places.map(({ channel, connection, to, showsContact }) => ({
      channel,
      connection,
      to: to.trim() || null,
      shows_contact: showsContact,
    })),
  },
});

/** Who a place is in the API's words for a message: the connection, and the place where one is named. */
export const nameOfPlace = ({ connection, to }: Pick<Place, 'connection' | 'to'>): string =>
  to ? `${connection}/${to}` : connection;

/** What cannot be right of what is written, by field; the server says the rest. */
export function faultsOf(written: Written): { email?: string; places: (string | undefined)[] } {
  const odd = readList(written.email).filter((one) => !/^[^@]+@[^@]+$/.test(one));
  const seen = new Set<string>();
  const places = written.places.map((place) => {
    const name = nameOfPlace({ ...place, to: place.to.trim() });
    if (seen.has(name)) return 'This place stands here twice: everybody is told once.';
    seen.add(name);
    return undefined;
  });
  return {
    ...(odd.length > 0 && { email: `${odd.map((one) => `“${one}”`).join(', ')}: not an address.` }),
    places,
  };
}
