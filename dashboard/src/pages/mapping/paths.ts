// What of a lead can be sent, in a person's words. A test holds it against the reference in docs/user/crm-integration.md.

export type OurField = {
  /** As a mapping names it. */
  path: string;
  name: string;
  kind: 'text' | 'number' | 'phone' | 'flag' | 'time' | 'list';
  /** The words that it can be; empty if anything. */
  words: readonly string[];
};

const of = (
  path: string,
  name: string,
  kind: OurField['kind'] = 'text',
  words: readonly string[] = [],
): OurField => ({ path, name, kind, words });

/** What each lead may have, in the order and the groups in which people look for it. */
export const OUR_FIELDS: readonly { group: string; fields: readonly OurField[] }[] = [
  {
    group: 'The person',
    fields: [
      of('contact.name', 'Whole name'),
      of('contact.first_name', 'First name'),
      of('contact.last_name', 'Last name'),
      of('contact.email', 'E-mail address'),
      of('contact.phone', 'Telephone number', 'phone'),
      of('contact.extension', 'Extension'),
      of('contact.person_id', 'Our id of the person'),
      of('contact.opted_out', 'Words that asked for no more texts'),
    ],
  },
  {
    group: 'Where the project is',
    fields: [
      of('property.street', 'Street'),
      of('property.city', 'Town'),
      of('property.state', 'State'),
      of('property.postal_code', 'ZIP code'),
      of('property.is_area_unknown', 'Whether nobody could tell the area', 'flag'),
    ],
  },
  {
    group: 'The project',
    fields: [
      of('project.type', 'Kind of project', 'text', [
        'kitchen',
        'bathroom',
        'whole_home',
        'addition',
        'basement',
        'roofing',
        'windows_doors',
        'flooring',
        'outdoor',
        'other',
        'unknown',
      ]),
      of('project.timeline', 'When it should start', 'text', [
        'immediate',
        '1_3_months',
        '3_6_months',
        '6_plus_months',
        'unknown',
      ]),
      of('project.budget', 'Budget', 'text', ['high', 'medium', 'low', 'unknown']),
      of('project.value', 'Amount that was named'),
      of('project.summary', 'Summary of the conversation'),
    ],
  },
  {
    group: 'How it was judged',
    fields: [
      of('judgment.score', 'Score', 'number'),
      of('judgment.confidence', 'How sure the score is, in percent', 'number'),
      of('judgment.spam', 'How likely it is spam, in percent', 'number'),
      of('judgment.intent', 'What the person wants', 'text', [
        'quote_request',
        'appointment',
        'repair',
        'information',
        'existing_project',
        'complaint',
        'solicitation',
        'wrong_number',
        'other',
      ]),
      of('judgment.sentiment', 'How they feel about it', 'text', ['positive', 'neutral', 'negative']),
    ],
  },
  {
    group: 'How it came',
    fields: [
      of('channel', 'Channel', 'text', ['phone', 'text', 'form', 'calendar', 'chat', 'api']),
      of('source', 'How they found the company'),
      of('received_at', 'When it came', 'time'),
      of('title', 'What people call the lead'),
      of('lead_id', 'Our id of the lead'),
      of('version', 'Its version', 'number'),
    ],
  },
  {
    group: 'What was said',
    fields: [
      of('conversation', 'The whole conversation'),
      of('details', 'Everything else, a line for each fact'),
      of('happened', 'What happened, and when'),
      of('before', 'What the person did before', 'list'),
      of('missing', 'Wanted fields that are missing', 'list'),
      of('tags', 'Labels from the provider', 'list'),
      of('note', 'A person’s note'),
      of('lead_status', 'The provider’s own judgment'),
      of('recording', 'Our name of the recording'),
    ],
  },
];

/** What each lead has under names of its own: what it begins with, what it is called, and what is named behind it. */
export const OWN_NAMES: readonly { prefix: string; name: string; asks: string; help: string }[] = [
  {
    prefix: 'attribution.',
    name: 'A fact of how they found us…',
    asks: 'Which fact',
    help: 'The provider’s name of it, such as utm_campaign.',
  },
  {
    prefix: 'answers.',
    name: 'An answer on a form…',
    asks: 'Which question',
    help: 'Letter by letter, as the form asks it: How did you hear of us?',
  },
];

const ALL = OUR_FIELDS.flatMap(({ fields }) => fields);

export const fieldAt = (path: string): OurField | undefined => ALL.find((one) => one.path === path);

export const ownNameOf = (path: string) => OWN_NAMES.find(({ prefix }) => path.startsWith(prefix));

/** What a path is called: `Town`, `answer to “How did you hear of us?”`. */
export function pathName(path: string): string {
  const known = fieldAt(path);
  if (known) return known.name;
  const own = ownNameOf(path);
  const rest = own ? path.slice(own.prefix.length) : path;
  if (own?.prefix === 'answers.') return `answer to “${rest}”`;
  return own ? `“${rest}” of how they found us` : path;
}
