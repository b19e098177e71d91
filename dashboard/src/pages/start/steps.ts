// What a company has to do before its leads come in, as far as it is done. Nothing is kept of it: what is there tells.
import type { Config } from '../../api/config';

export type Known = {
  offices: readonly { address: string; business_hours: unknown }[];
  sources: readonly { provider: string; state: string }[];
  /** Providers that leads come from; a mail provider is none. */
  leadProviders: ReadonlySet<string>;
  /** How many leads came in, ever. */
  leads: number;
  config: Config | null;
  connections: readonly { name: string; state: string }[];
  /** People of the company, and those who are invited. */
  people: number;
};

export type StepName = 'company' | 'source' | 'lead' | 'crm' | 'told' | 'area' | 'people';
export type Step = { name: StepName; isDone: boolean; minutes: number };

export function stepsOf(known: Known): Step[] {
  const { service_area: area, destinations = [], notifications } = known.config ?? {};
  const accepted = new Set(known.connections.filter((one) => one.state === 'active').map((one) => one.name));
  return [
    {
      name: 'company',
      minutes: 2,
      isDone: known.offices.some((one) => one.address !== '' || one.business_hours),
    },
    {
      name: 'source',
      minutes: 3,
      isDone: known.sources.some(
        ({ provider, state }) => state === 'active' && known.leadProviders.has(provider),
      ),
    },
    { name: 'lead', minutes: 1, isDone: known.leads > 0 },
    { name: 'crm', minutes: 2, isDone: destinations.some(({ connection }) => accepted.has(connection)) },
    {
      name: 'told',
      minutes: 1,
      isDone: (notifications?.email?.length ?? 0) + (notifications?.channels?.length ?? 0) > 0,
    },
    {
      name: 'area',
      minutes: 3,
      isDone:
        (area?.postal_codes?.length ?? 0) > 0 ||
        (area?.cities?.length ?? 0) > 0 ||
        (area?.polygons?.length ?? 0) > 0 ||
        Boolean(area?.radius),
    },
    { name: 'people', minutes: 1, isDone: known.people > 1 },
  ];
}

/** "4 of 7 done, about 6 min left" */
export function progressOf(steps: readonly Step[]): string {
  const open = steps.filter((step) => !step.isDone);
  if (open.length === 0) return 'Everything is set up.';
  const minutes = open.reduce((sum, step) => sum + step.minutes, 0);
  return `${steps.length - open.length} of ${steps.length} done, about ${minutes} min left.`;
}
