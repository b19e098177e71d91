// What the API's words are called. One that is not known yet is shown as it is, in words.
import type { Schemas } from '../api/client';

const plain = (word: string): string => {
  const words = word.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};
/** Names for words, as a page has them that alone needs them. */
export const namesOf =
  <T extends string>(names: Partial<Record<T, string>>) =>
  (word: T): string =>
    names[word] ?? plain(word);

export const projectName = namesOf<Schemas['ProjectType']>({
  windows_doors: 'Windows, doors',
  unknown: 'Unknown project',
});
export const intentName = namesOf<Schemas['Intent']>({ quote_request: 'Asks for a quote' });
export const startName = namesOf<Schemas['ProjectStart']>({
  immediate: 'now',
  '1_3_months': 'in 1–3 months',
  '3_6_months': 'in 3–6 months',
  '6_plus_months': 'in 6 months or later',
  unknown: 'no date',
});
export const budgetName = namesOf<Schemas['Budget']>({
  high: 'high budget',
  medium: 'medium budget',
  low: 'low budget',
  unknown: 'no budget',
});
export const channelName = namesOf<Schemas['Channel']>({
  phone: 'Call',
  text: 'Text',
  form: 'Form',
  calendar: 'Booking',
  chat: 'Chat',
  api: 'API',
});
export const areaName = namesOf<Schemas['Area']>({
  in: 'in area',
  out: 'out of area',
  unknown: 'area unknown',
});
export const stageName = namesOf<Schemas['Stage']>({
  reading: 'Reading',
  details: 'Details',
  documents: 'Files',
  recording: 'Recording',
  transcript: 'Transcript',
  analysis: 'Analysis',
  dispatch: 'CRM',
  notification: 'Message',
});
export const statusName = namesOf<Schemas['Status']>({
  in_review: 'In review',
  quarantined: 'Kept out',
  out_of_area: 'Out of area',
});
export const healthName = namesOf<Schemas['HealthState']>({
  off_at_provider: 'Switched off at the provider',
});
export const outcomeName = namesOf<Schemas['DeliveryOutcome']>({
  request: 'Made a lead',
  unread: 'Cannot be read',
  unused: 'Not used',
});
export const roleName = namesOf<Schemas['TenantRole'] | 'platform_admin'>({
  tenant_admin: 'Administrator',
  platform_admin: 'Operator of the installation',
});
export const causeName = namesOf<Schemas['ParkCause']>({
  permanent: 'No repetition helps',
  exhausted: 'All tries were used up',
  deadline: 'The time was up',
  crash_loop: 'It crashed again and again',
  unreadable: 'The delivery cannot be read',
  unreached: 'Nobody could be told',
});
export const noAudio = namesOf<Schemas['NoAudio']>({
  never_arrived: 'The recording never arrived, so the lead was judged by what else was known.',
  not_recorded: 'The call was not recorded.',
  empty: 'The recording has no sound.',
  unreadable: 'The recording cannot be read.',
  too_large: 'The recording is too large.',
  unknown_call: 'The provider does not know this call.',
  not_connected: 'No account of the call provider is connected.',
});
export const touchName = namesOf<Schemas['TouchKind']>({
  call: 'Called',
  text: 'Texted',
  email: 'E-mailed',
  visit: 'Visited',
  other: 'Got in touch',
});
export const touchOutcomeName = namesOf<Schemas['TouchOutcome']>({
  reached: 'reached',
  left_message: 'left a message',
  no_answer: 'no answer',
  wrong_person: 'wrong person',
});
/** A touch in a few words: "Called, left a message". */
export const touchWords = ({ kind, outcome }: Pick<Schemas['Touch'], 'kind' | 'outcome'>): string =>
  [touchName(kind), outcome && touchOutcomeName(outcome)].filter(Boolean).join(', ');
const PROVIDERS: Record<string, string> = {
  callrail: 'CallRail',
  hubspot: 'HubSpot',
  sendgrid: 'SendGrid',
  slack: 'Slack',
  calendly: 'Calendly',
  acuity: 'Acuity Scheduling',
  intercom: 'Intercom',
  signedwebhook: 'Signed webhook',
  webforms: 'Website forms',
  zendesk: 'Zendesk',
  direct: 'Direct API',
};
/** A provider's or connection's name as people write it. */
export const providerName = (slug: string): string => PROVIDERS[slug] ?? plain(slug);
/** What its company calls a source, or else its provider's name. */
export const sourceName = ({ name, provider }: Pick<Schemas['Source'], 'name' | 'provider'>): string =>
  name ?? providerName(provider);
export { plain };
