// How the last messages went, for each who was to get one.
import type { Schemas } from '../../api/client';

export type Sight = Pick<
  Schemas['RequestDetail'],
  'request_id' | 'created_at' | 'notifications' | 'notification_attempts'
>;

export type Row = {
  /** `email`, or the chat's provider. */
  channel: string;
  recipient: string;
  /** Of how many of the leads they were to be told, and of how many they were. */
  of: number;
  sent: number;
  /** Their last message: of which lead, when, and why it was not sent if it was not. Null: there was none. */
  last: { lead: string; at: string; isSent: boolean; reason: string | null } | null;
};

/** Addresses are the same however they are spelled; ids of places are not. */
const keyOf = (channel: string, recipient: string): string =>
  `${channel} ${channel === 'email' ? recipient.toLowerCase() : recipient}`;

/** From leads, the newest first: who was to be told of them. */
export function toldOf(leads: readonly Sight[]): Row[] {
  const all = new Map<string, Row>();
  for (const { request_id, created_at, notifications, notification_attempts } of leads) {
    for (const { channel, recipient, is_sent, reason } of notifications?.messages ?? []) {
      const key = keyOf(channel, recipient);
      const known = all.get(key);
      if (known) {
        known.of += 1;
        known.sent += is_sent ? 1 : 0;
        continue;
      }
      const tries = notification_attempts.filter((one) => keyOf(one.channel, one.recipient) === key);
      const at = [created_at, ...tries.map((one) => one.at)].sort().at(-1) ?? created_at;
      all.set(key, {
        channel,
        recipient,
        of: 1,
        sent: is_sent ? 1 : 0,
        last: { lead: request_id, at, isSent: is_sent, reason },
      });
    }
  }
  return [...all.values()];
}

/** Whoever is named, in that order, and behind them who was told and is not named any more: rows do not change places. */
export function rowsOf(named: readonly Pick<Row, 'channel' | 'recipient'>[], told: readonly Row[]): Row[] {
  const byKey = new Map(told.map((row) => [keyOf(row.channel, row.recipient), row]));
  const rows = named.map(({ channel, recipient }): Row => {
    const key = keyOf(channel, recipient);
    const known = byKey.get(key);
    byKey.delete(key);
    return { ...(known ?? { of: 0, sent: 0, last: null }), channel, recipient };
  });
  return [...rows, ...byKey.values()];
}
