import {
  CalendarDays,
  Code,
  Globe,
  type LucideIcon,
  MessageSquareText,
  MessagesSquare,
  Phone,
} from 'lucide-react';
import type { ReactNode } from 'react';
import type { Lead, Schemas } from '../../../api/client';
import { callLength, phone, waited } from '../../../text/format';
import { areaName, channelName, projectName, providerName, startName } from '../../../text/words';
import ScorePlate from '../../../ui/score-plate/score-plate';
import StatusMark from '../../../ui/status-mark/status-mark';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import Waits from '../../../ui/waits/waits';
import styles from '../page.module.css';

export type Column = { key: string; name: string; cell: (lead: Lead) => ReactNode };

const ICONS: Record<Schemas['Channel'], LucideIcon> = {
  phone: Phone,
  text: MessageSquareText,
  form: Globe,
  calendar: CalendarDays,
  chat: MessagesSquare,
  api: Code,
};

export const nameOf = (lead: Lead): string =>
  lead.contact.name ?? (lead.contact.phone ? phone(lead.contact.phone) : lead.headline);

export function Way({ lead }: { lead: Lead }) {
  const Icon = ICONS[lead.channel] ?? Globe;
  const length = lead.is_voicemail
    ? 'voicemail'
    : lead.duration_seconds === null
      ? null
      : callLength(lead.duration_seconds);
  return (
    <span className={styles.way} title={channelName(lead.channel)}>
      <Icon size={13} aria-hidden />
      <span className="hidden-but-read">{channelName(lead.channel)}</span>
      {lead.channel === 'phone' ? length : channelName(lead.channel)}
    </span>
  );
}

export function Wants({ lead }: { lead: Lead }) {
  if (!lead.project_type && !lead.intent) return <span className={styles.faint}>not judged yet</span>;
  if (lead.intent === 'solicitation') return <span className={styles.faint}>to sell something</span>;
  const parts = [
    lead.project_type && lead.project_type !== 'unknown' ? projectName(lead.project_type) : null,
    lead.timeline && lead.timeline !== 'unknown' ? startName(lead.timeline) : null,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(' · ') : <span className={styles.faint}>not said</span>;
}

function Where({ lead }: { lead: Lead }) {
  const area = lead.area && lead.area !== 'unknown' ? areaName(lead.area) : null;
  return (
    <>
      {lead.contact.city && <Text>{lead.contact.city}</Text>}
      {area && <span className={styles.faint}> {area}</span>}
      {!lead.contact.city && !area && <span className={styles.faint}>unknown</span>}
    </>
  );
}

function Crm({ lead }: { lead: Lead }) {
  if (lead.dispatches.length === 0) return <span className={styles.faint}>–</span>;
  const words = { done: '✓', pending: '…', held: 'held', parked: 'parked' } as const;
  return (
    <>
      {lead.dispatches.map((one) => (
        <span key={one.connection} className={one.state === 'done' ? styles.done : undefined}>
          {providerName(one.connector)} {words[one.state]}
        </span>
      ))}
    </>
  );
}

/** How long it took until somebody got in touch, or that the lead waits for it. */
function Answered({ lead }: { lead: Lead }) {
  if (lead.needs_call) return <Waits since={lead.created_at} />;
  if (!lead.touch) return <span className={styles.faint}>–</span>;
  const seconds = (Date.parse(lead.touch.first_at) - Date.parse(lead.created_at)) / 1000;
  return <span title={`by ${lead.touch.by}`}>✓ after {waited(seconds)}</span>;
}

export const COLUMNS: readonly Column[] = [
  {
    key: 'score',
    name: 'Score',
    cell: (lead) => (
      <ScorePlate
        score={lead.lead_score}
        confidence={lead.confidence}
        isByRules={lead.flags.includes('analyzed_by_rules')}
      />
    ),
  },
  {
    key: 'who',
    name: 'Who',
    cell: (lead) => (
      <>
        <span className={styles.name}>
          <Text>{nameOf(lead)}</Text>
        </span>
        <Way lead={lead} />
      </>
    ),
  },
  { key: 'wants', name: 'Wants', cell: (lead) => <Wants lead={lead} /> },
  { key: 'where', name: 'Where', cell: (lead) => <Where lead={lead} /> },
  { key: 'status', name: 'Status', cell: (lead) => <StatusMark status={lead.status} stage={lead.stage} /> },
  { key: 'crm', name: 'CRM', cell: (lead) => <Crm lead={lead} /> },
  { key: 'answered', name: 'Answered', cell: (lead) => <Answered lead={lead} /> },
  { key: 'came', name: 'Came', cell: (lead) => <Time at={lead.created_at} /> },
];
