import { expect, it } from 'vitest';
import { rowsOf, type Sight, toldOf } from './lately';

const lead = (id: string, messages: [channel: string, recipient: string, reason?: string][]): Sight => ({
  request_id: id,
  created_at: `2026-11-2${id}T10:00:00Z`,
  notifications: {
    is_done: true,
    messages: messages.map(([channel, recipient, reason]) => ({
      channel,
      recipient,
      is_sent: !reason,
      provider_id: null,
      reason: reason ?? null,
    })),
  },
  notification_attempts: [
    {
      channel: 'email',
      recipient: 'sales@example.com',
      at: `2026-11-2${id}T10:00:09Z`,
    } as Sight['notification_attempts'][number],
  ],
});

it('says how the last message to each went, and how many did', () => {
  const told = toldOf([
    lead('8', [
      ['email', 'Sales@example.com', 'bounced: no such mailbox'],
      ['slack', 'slack/C1'],
    ]),
    lead('7', [['email', 'sales@example.com']]),
    { ...lead('6', []), notifications: null },
  ]);
  expect(told).toEqual([
    {
      channel: 'email',
      recipient: 'Sales@example.com',
      of: 2,
      sent: 1,
      last: { lead: '8', at: '2026-11-28T10:00:09Z', isSent: false, reason: 'bounced: no such mailbox' },
    },
    {
      channel: 'slack',
      recipient: 'slack/C1',
      of: 1,
      sent: 1,
      // Without a try of its own: when the lead came.
      last: { lead: '8', at: '2026-11-28T10:00:00Z', isSent: true, reason: null },
    },
  ]);
  const named = [
    { channel: 'slack', recipient: 'slack/c1' },
    { channel: 'email', recipient: 'SALES@example.com' },
  ];
  expect(rowsOf(named, told).map(({ recipient, sent, of }) => [recipient, sent, of])).toEqual([
    ['slack/c1', 0, 0],
    ['SALES@example.com', 1, 2],
    ['slack/C1', 1, 1],
  ]);
});
