import { Link } from '@tanstack/react-router';
import type { Schemas } from '../../../api/client';
import { fileSize } from '../../../text/format';
import { plain } from '../../../text/words';
import Facts, { Fact, Pairs } from '../../../ui/facts/facts';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import styles from '../page.module.css';
import Documents from './documents';

type Detail = Schemas['RequestDetail'];

/** What was written or booked, for channels without a recording. */
export default function Written({ tenant, lead }: { tenant: string; lead: Detail }) {
  const { about } = lead;
  switch (about.channel) {
    case 'text':
      return (
        <>
          {about.opted_out_at && (
            <p className={styles.notice}>
              They asked for no more text messages, <Time at={about.opted_out_at} />.
            </p>
          )}
          <Thread messages={about.messages} />
        </>
      );
    case 'chat':
      return (
        <>
          <Facts>
            {about.subject && (
              <Fact name="Subject">
                <Text>{about.subject}</Text>
              </Fact>
            )}
            {about.status && <Fact name="Chat">{plain(about.status)}</Fact>}
            {about.page_url && (
              <Fact name="Began on">
                <Text>{about.page_url}</Text>
              </Fact>
            )}
          </Facts>
          {about.is_cut && (
            <p className={styles.notice}>It is long: messages in its middle are not kept here.</p>
          )}
          <Thread messages={about.messages} />
        </>
      );
    case 'form':
      return (
        <>
          <Filled message={about.message} of={about.answers} />
          <Documents tenant={tenant} lead={lead} told={about.documents} />
        </>
      );
    case 'api':
      return <Filled message={about.message} of={about.answers} />;
    case 'calendar':
      return (
        <>
          <Facts>
            {about.status && <Fact name="Booking">{plain(about.status)}</Fact>}
            {about.starts_at && (
              <Fact name="Starts">
                <Time at={about.starts_at} />
              </Fact>
            )}
            {about.service && (
              <Fact name="Service">
                <Text>{about.service}</Text>
              </Fact>
            )}
            {about.host && (
              <Fact name="With">
                <Text>{about.host}</Text>
              </Fact>
            )}
            {about.location && (
              <Fact name="Where">
                <Text>{about.location}</Text>
              </Fact>
            )}
          </Facts>
          {lead.booking && <SameTime tenant={tenant} of={lead.booking} />}
          <Filled message={about.message} of={about.answers} />
        </>
      );
    case 'phone':
      return <p className={styles.faint}>{silence(lead)}</p>;
  }
}

function silence({ transcript }: Detail): string {
  switch (transcript?.outcome) {
    case 'silent':
      return 'Nobody said anything.';
    case 'unavailable':
      return 'There is no transcript of it.';
    default:
      return 'No transcript yet.';
  }
}

/** What people wrote each other, the company's side on the right. */
function Thread({ messages }: { messages: readonly Schemas['ChatMessage'][] }) {
  if (messages.length === 0) return <p className={styles.faint}>No message yet.</p>;
  return (
    <ol className={styles.messages}>
      {messages.map((message, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: messages are only ever added.
        <li key={at} data-from={message.from}>
          <span className={styles.by}>
            {message.name ? <Text>{message.name}</Text> : plain(message.from)}
            {message.at && (
              <>
                {' · '}
                <Time at={message.at} />
              </>
            )}
            {message.edited_at && !message.is_deleted && ' · edited'}
          </span>
          {message.is_deleted ? (
            <em className={styles.faint}>This message was taken back.</em>
          ) : (
            message.text && (
              <span className={styles.words}>
                <Text>{message.text}</Text>
              </span>
            )
          )}
          {message.attachments.map((file) => (
            <span key={file.name} className={styles.by}>
              Attached: <Text>{file.name}</Text>
              {file.size_bytes !== null && <>, {fileSize(file.size_bytes)}</>}
            </span>
          ))}
        </li>
      ))}
    </ol>
  );
}

/** Whether something else takes a booking's time, too. What is not known is not free. */
function SameTime({ tenant, of }: { tenant: string; of: Schemas['BookingCheck'] }) {
  if (of.conflicts.length > 0) {
    return (
      <div className={styles.conflict}>
        <strong>Somebody else has this time, too.</strong>
        <ul>
          {of.conflicts.map((one) => (
            <li key={`${one.starts_at} ${one.request_id}`}>
              {one.request_id ? (
                <Link to="/t/$tenant/leads/$id" params={{ tenant, id: one.request_id }}>
                  Another booking
                </Link>
              ) : (
                'The calendar is busy'
              )}
              , <Time at={one.starts_at} /> to <Time at={one.ends_at} />
            </li>
          ))}
        </ul>
        {of.unknown_reason && <p>The calendar itself could not be asked: {of.unknown_reason}.</p>}
      </div>
    );
  }
  if (of.result === 'free') return <p className={styles.faint}>Nothing else takes this time.</p>;
  if (of.result === 'unknown') {
    return (
      <p className={styles.notice}>
        Whether this time is free is not known{of.unknown_reason && <>: {of.unknown_reason}</>}.
      </p>
    );
  }
  return null;
}

/** What somebody wrote, and the fields that they filled in. */
function Filled({ message, of }: { message: string | null; of: Record<string, string> }) {
  return (
    <>
      {message && (
        <p className={styles.summary}>
          <Text>{message}</Text>
        </p>
      )}
      <Pairs of={of} empty={message ? 'No further field was filled in.' : 'Nothing was filled in.'} />
    </>
  );
}
