import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { CircleCheck, CircleDashed } from 'lucide-react';
import { configQuery } from '../../api/config-query';
import { connectionsQuery } from '../../api/connections';
import { countQuery } from '../../api/leads-query';
import { invitationsQuery, peopleQuery } from '../../api/people';
import { Failure } from '../../api/problem';
import { meQuery, officesQuery } from '../../api/queries';
import { catalogueQuery, sourcesQuery } from '../../api/sources';
import type { Place } from '../../shell/pages';
import { useRefusal } from '../../shell/role';
import { buttonClass } from '../../ui/button/button';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import Forbidden from '../../ui/forbidden/forbidden';
import layout from '../../ui/layout/layout.module.css';
import PageHead from '../../ui/page-head/page-head';
import Skeleton from '../../ui/skeleton/skeleton';
import styles from './page.module.css';
import { progressOf, type StepName, stepsOf } from './steps';

type Target = Place['to'] | '/t/$tenant/sources/new' | '/t/$tenant/settings/people';

const WORDS: Record<StepName, { title: string; why: string; act: string; to: Target }> = {
  company: {
    title: 'The company',
    why: 'An office with its address, zone and hours: days and waits are counted by them.',
    act: 'Fill in',
    to: '/t/$tenant/settings/company',
  },
  source: {
    title: 'A first source',
    why: 'Calls, forms, chats or bookings: what a provider has comes in by itself from then on.',
    act: 'Connect',
    to: '/t/$tenant/sources/new',
  },
  lead: {
    title: 'A first lead',
    why: 'Call your own number, or fill in your own form. It appears among the leads while you are still talking.',
    act: 'See leads',
    to: '/t/$tenant/leads',
  },
  crm: {
    title: 'Your CRM',
    why: 'Genuine leads land where you sell, each one once. Enter its secret, then choose it in the rules.',
    act: 'Connect',
    to: '/t/$tenant/crm',
  },
  told: {
    title: 'Who is told',
    why: 'Whoever is to call gets a message for each genuine lead: a mail, or one in the team’s chat.',
    act: 'Choose',
    to: '/t/$tenant/notifications',
  },
  area: {
    title: 'Where you work',
    why: 'Leads from elsewhere are set aside. Nothing set means everywhere.',
    act: 'Draw it',
    to: '/t/$tenant/area',
  },
  people: {
    title: 'Your people',
    why: 'Whoever calls leads signs in as themselves, so that it is known who did.',
    act: 'Invite',
    to: '/t/$tenant/settings/people',
  },
};

/** From nothing to the first lead: what is done shows by itself. */
export default function StartPage() {
  const { tenant } = useParams({ from: '/t/$tenant/start' });
  const refusal = useRefusal('tenant_admin');
  const isKnown = useQuery(meQuery).data !== undefined;
  return (
    <div className={layout.page}>
      <PageHead name="Get started" />
      {refusal && isKnown ? (
        <Forbidden refusal={refusal}>It is where a company is set up.</Forbidden>
      ) : (
        <Steps tenant={tenant} />
      )}
    </div>
  );
}

function Steps({ tenant }: { tenant: string }) {
  const offices = useQuery(officesQuery(tenant));
  const sources = useQuery(sourcesQuery(tenant));
  const catalogue = useQuery(catalogueQuery(tenant));
  const count = useQuery(countQuery(tenant, {}));
  const connections = useQuery(connectionsQuery(tenant));
  const people = useInfiniteQuery(peopleQuery(tenant));
  const invitations = useQuery(invitationsQuery(tenant));
  const office = offices.data?.items[0]?.office_id ?? '';
  const config = useQuery({ ...configQuery(tenant, office), enabled: office !== '' });
  const isUnset = config.error instanceof Failure && config.error.status === 404;
  const all = [offices, sources, catalogue, count, connections, people, invitations];
  const failed = [...all, ...(isUnset ? [] : [config])].find((one) => one.isError && !one.data);
  if (failed) {
    return (
      <FailureNote
        error={failed.error}
        what="How far you are cannot be read."
        onRetry={() => void failed.refetch()}
      />
    );
  }
  const isRead = all.every((one) => one.data !== undefined);
  if (!isRead || (office !== '' && !config.data && !isUnset)) return <Skeleton rows={7} height={64} />;
  const steps = stepsOf({
    offices: offices.data?.items ?? [],
    sources: sources.data?.items ?? [],
    leadProviders: new Set((catalogue.data?.items ?? []).map((one) => one.provider)),
    leads: count.data?.count ?? 0,
    config: config.data?.config ?? null,
    connections: connections.data?.items ?? [],
    people: (people.data?.pages[0]?.items.length ?? 0) + (invitations.data?.items.length ?? 0),
  });
  const next = steps.find((step) => !step.isDone);
  return (
    <>
      <p className={layout.faint} role="status">
        {progressOf(steps)} Each step proves itself by what really happened.
      </p>
      <ol className={styles.steps}>
        {steps.map((step) => {
          const { title, why, act, to } = WORDS[step.name];
          const Mark = step.isDone ? CircleCheck : CircleDashed;
          return (
            <li
              key={step.name}
              className={styles.step}
              data-done={step.isDone}
              data-next={step === next || undefined}
            >
              <Mark size={20} aria-hidden />
              <div>
                <strong>{title}</strong>
                <span className={layout.faint}>
                  {step.isDone ? ' · done' : ` · about ${step.minutes} min`}
                </span>
                <p>{why}</p>
              </div>
              <Link
                to={to}
                params={{ tenant }}
                search={{}}
                className={buttonClass(step === next ? 'primary' : 'plain')}
              >
                {step.isDone ? 'See it' : act}
                <span className="hidden-but-read">: {title}</span>
              </Link>
            </li>
          );
        })}
      </ol>
      {!next && (
        <Empty title="Everything is set up">
          What waits for a person stands on{' '}
          <Link to="/t/$tenant" params={{ tenant }}>
            Today
          </Link>{' '}
          from now on.
        </Empty>
      )}
    </>
  );
}
