// What the API's words are called. One that is not known yet is shown as it is, in words.
import type { Schemas } from '../api/client';

const plain = (word: string): string => {
  const words = word.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};
const of =
  <T extends string>(names: Partial<Record<T, string>>) =>
  (word: T): string =>
    names[word] ?? plain(word);

export const projectName = of<Schemas['ProjectType']>({
  windows_doors: 'Windows, doors',
  unknown: 'Unknown project',
});
export const intentName = of<Schemas['Intent']>({ quote_request: 'Asks for a quote' });
export const startName = of<Schemas['ProjectStart']>({
  immediate: 'now',
  '1_3_months': 'in 1–3 months',
  '3_6_months': 'in 3–6 months',
  '6_plus_months': 'in 6 months or later',
  unknown: 'no date',
});
export const budgetName = of<Schemas['Budget']>({
  high: 'high budget',
  medium: 'medium budget',
  low: 'low budget',
  unknown: 'no budget',
});
export const channelName = of<Schemas['Channel']>({
  phone: 'Call',
  text: 'Text',
  form: 'Form',
  calendar: 'Booking',
  chat: 'Chat',
  api: 'API',
});
export const areaName = of<Schemas['Area']>({ in: 'in area', out: 'out of area', unknown: 'area unknown' });
export const stageName = of<Schemas['Stage']>({
  reading: 'Reading',
  details: 'Details',
  documents: 'Files',
  recording: 'Recording',
  transcript: 'Transcript',
  analysis: 'Analysis',
  dispatch: 'CRM',
  notification: 'Message',
});
export const statusName = of<Schemas['Status']>({
  in_review: 'In review',
  quarantined: 'Kept out',
  out_of_area: 'Out of area',
});
export const healthName = of<Schemas['HealthState']>({ off_at_provider: 'Switched off at the provider' });
export const outcomeName = of<Schemas['DeliveryOutcome']>({
  request: 'Made a lead',
  unread: 'Cannot be read',
  unused: 'Not used',
});
export const roleName = of<Schemas['TenantRole'] | 'platform_admin'>({
  tenant_admin: 'Administrator',
  platform_admin: 'Operator of the installation',
});
export const causeName = of<Schemas['ParkCause']>({
  permanent: 'No repetition helps',
  exhausted: 'All tries were used up',
  deadline: 'The time was up',
  crash_loop: 'It crashed again and again',
  unreadable: 'The delivery cannot be read',
  unreached: 'Nobody could be told',
});
export const noAudio = of<Schemas['NoAudio']>({
  never_arrived: 'The recording never arrived, so the lead was judged by what else was known.',
  not_recorded: 'The call was not recorded.',
  empty: 'The recording has no sound.',
  unreadable: 'The recording cannot be read.',
  too_large: 'The recording is too large.',
  unknown_call: 'The provider does not know this call.',
  not_connected: 'No account of the call provider is connected.',
});
const PROVIDERS: Record<string, string> = {
  callrail: 'CallRail',
  hubspot: 'HubSpot',
  sendgrid: 'SendGrid',
  calendly: 'Calendly',
  acuity: 'Acuity Scheduling',
  intercom: 'Intercom',
  zendesk: 'Zendesk',
  direct: 'Direct API',
};
/** A provider's or connection's name as people write it. */
export const providerName = (slug: string): string => PROVIDERS[slug] ?? plain(slug);
export { plain };
