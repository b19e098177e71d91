// What a reader should know before trusting the rest of a lead.
import type { Schemas } from '../../../api/client';
import { namesOf, plain } from '../../../text/words';

type Detail = Pick<
  Schemas['RequestDetail'],
  'flags' | 'missing_required_fields' | 'suspicions' | 'normalized'
>;

const fieldName = namesOf<Schemas['RequiredField']>({
  phone: 'telephone number',
  email: 'e-mail address',
  name: 'name',
  address: 'street address',
  city: 'town',
  state: 'state',
  postal_code: 'ZIP code',
  message: 'words of their own',
  project_type: 'what is to be remodeled',
  budget: 'budget',
  timeline: 'when it should start',
  consent: 'consent',
});
const flagName = namesOf<Schemas['Flag']>({
  recovered: 'Its webhook never came: it was found at the provider, and taken.',
  no_recording: 'There is no recording of it.',
  analyzed_by_rules: 'The model did not answer, so rules judged it.',
  area_unknown: 'Whether it is in your service area is not known.',
  marked_spam: 'Somebody marked it as spam at the provider.',
  unread_fields: 'Something of its deliveries could not be read.',
  unread_document: 'A file of its form could not be read.',
  not_told: 'Nobody could be told of it.',
});
const list = new Intl.ListFormat('en-US', { type: 'conjunction' });

/** One sentence for each thing, what is missing first. */
export function worthKnowing(lead: Detail): string[] {
  const required = lead.missing_required_fields.map(fieldName);
  return [
    ...(required.length > 0 ? [`It lacks what you want of every lead: ${list.format(required)}.`] : []),
    ...lead.flags.map(flagName),
    ...lead.suspicions.map((one) => `Suspicious: ${plain(one).toLowerCase()}.`),
    ...lead.normalized.doubts.map(({ field, code, suggestion }) =>
      [
        `The ${fieldName(field as Schemas['RequiredField']).toLowerCase()} may be a slip: ${plain(code).toLowerCase()}.`,
        suggestion && `It may mean ${suggestion}.`,
      ]
        .filter(Boolean)
        .join(' '),
    ),
  ];
}
