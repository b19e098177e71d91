import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { leadQuery } from '../../../api/lead-query';
import { phone } from '../../../text/format';
import {
  areaName,
  budgetName,
  channelName,
  plain,
  projectName,
  providerName,
  startName,
} from '../../../text/words';
import Button, { buttonClass } from '../../../ui/button/button';
import Facts, { Fact } from '../../../ui/facts/facts';
import FailureNote from '../../../ui/failure/failure';
import layout from '../../../ui/layout/layout.module.css';
import ScorePlate from '../../../ui/score-plate/score-plate';
import Skeleton from '../../../ui/skeleton/skeleton';
import StatusMark from '../../../ui/status-mark/status-mark';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import Touched from '../../../ui/touched/touched';
import Waits from '../../../ui/waits/waits';
import styles from '../page.module.css';

const QUOTES = 3;

/** A lead beside the list, in short. */
export default function Peek({ tenant, id, onClose }: { tenant: string; id: string; onClose: () => void }) {
  const query = useQuery(leadQuery(tenant, id));
  const lead = query.data;
  const number = lead?.contact.phone ?? lead?.person.phone;
  const name =
    lead?.contact.name ?? lead?.person.name ?? (number ? phone(number) : (lead?.headline ?? 'Lead'));
  return (
    <aside className={styles.peek} aria-label="The lead in short">
      <div className={styles.peekHead}>
        {lead?.analysis && (
          <ScorePlate
            score={lead.analysis.lead_score}
            confidence={lead.analysis.confidence}
            isByRules={lead.analysis.engine === 'rules'}
          />
        )}
        <h2 className={layout.title}>
          <Text>{name}</Text>
        </h2>
        <Button look="quiet" onClick={onClose} title="Close (Esc)">
          <X size={16} aria-hidden />
          <span className="hidden-but-read">Close</span>
        </Button>
      </div>
      {lead ? (
        <>
          <div className={layout.top}>
            <StatusMark status={lead.status} stage={lead.open_work[0]?.stage ?? null} />
            {lead.needs_call && <Waits since={lead.created_at} />}
          </div>
          {lead.analysis && (
            <>
              <p>
                <Text>{lead.analysis.summary}</Text>
              </p>
              <ul className={styles.peekList}>
                {lead.analysis.reasons.slice(0, QUOTES).map((one) => (
                  <li key={`${one.reason} ${one.quote}`}>
                    <strong>
                      <Text>{one.reason}</Text>
                    </strong>
                    <p className={styles.peekQuote}>
                      “<Text>{one.quote}</Text>”
                    </p>
                  </li>
                ))}
              </ul>
            </>
          )}
          <Facts>
            <Fact name="Came by">
              {channelName(lead.channel)}, {providerName(lead.source.provider)}, <Time at={lead.created_at} />
            </Fact>
            {lead.analysis && (
              <Fact name="Wants">
                {projectName(lead.analysis.project_type)}, {startName(lead.analysis.timeline)},{' '}
                {budgetName(lead.analysis.budget)}
              </Fact>
            )}
            {lead.qualification && <Fact name="Area">{areaName(lead.qualification.area)}</Fact>}
            {lead.dispatches.map((one) => (
              <Fact key={one.connection} name={providerName(one.connector)}>
                {plain(one.state)}
              </Fact>
            ))}
          </Facts>
          <div className={layout.buttons}>
            <Link
              to="/t/$tenant/leads/$id"
              params={{ tenant, id: lead.request_id }}
              className={buttonClass('primary')}
            >
              Open
            </Link>
            {number && (
              <a className={buttonClass()} href={`tel:${number}`}>
                Call {phone(number)}
              </a>
            )}
            <Touched tenant={tenant} id={lead.request_id} hasKey />
          </div>
        </>
      ) : query.isError ? (
        <FailureNote error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <Skeleton rows={4} height={48} />
      )}
    </aside>
  );
}
