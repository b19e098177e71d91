import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { keys } from '../../api/keys';
import { deliveryQuery, replayDelivery } from '../../api/sources';
import { useRefusal } from '../../shell/role';
import { outcomeName } from '../../text/words';
import Button from '../button/button';
import FailureNote from '../failure/failure';
import layout from '../layout/layout.module.css';
import Modal, { modalActions } from '../modal/modal';
import Note from '../note/note';
import Refused from '../note/refused';
import Skeleton from '../skeleton/skeleton';
import Text from '../text/text';
import styles from './delivery.module.css';

/** A delivery as it came, over the page. */
export default function Delivery({
  tenant,
  event,
  onClose,
}: {
  tenant: string;
  event: string;
  onClose: () => void;
}) {
  const cache = useQueryClient();
  const refusal = useRefusal('operator');
  const query = useQuery(deliveryQuery(tenant, event));
  const one = query.data;
  const replaying = useMutation({
    mutationFn: () => replayDelivery(tenant, event),
    onSettled: () => cache.invalidateQueries({ queryKey: keys.sources(tenant) }),
  });
  return (
    <Modal title="A delivery, as it came" onClose={onClose}>
      {one ? (
        <>
          <p className={layout.faint}>
            <code>{one.event_id}</code> · proven by {one.scheme}
            {one.is_masked && ' · letters and digits are masked: the role operator sees them'}
            {one.is_cut && ' · only its beginning is shown'}
          </p>
          <p className={layout.faint}>
            {outcomeName(one.outcome)}
            {one.remark && (
              <>
                : <Text>{one.remark}</Text>
              </>
            )}
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and is to be reached by keyboard for it. */}
          <pre className={styles.body} tabIndex={0}>
            <Text>{one.body_encoding === 'text' ? readable(one.body) : one.body}</Text>
          </pre>
        </>
      ) : query.isError ? (
        <FailureNote error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <Skeleton rows={6} height={18} />
      )}
      <Refused error={replaying.error} what="It is not read again" />
      {replaying.data && (
        <Note look="done">
          It is being read again, as the same event. What comes of it stands at{' '}
          <Link
            to="/t/$tenant/leads/$id"
            params={{ tenant, id: replaying.data.request_id }}
            onClick={onClose}
          >
            its lead
          </Link>
          .
        </Note>
      )}
      <div className={modalActions}>
        <Button
          refusal={refusal}
          disabled={!one || replaying.isPending || replaying.isSuccess}
          title="What could not be read, or is read better by now, is read again. What was done outside is not done twice."
          onClick={() => replaying.mutate()}
        >
          {replaying.isPending ? 'Replaying…' : 'Replay'}
        </Button>
        <Button onClick={onClose}>Close</Button>
      </div>
    </Modal>
  );
}

/** JSON with its lines broken; anything else as it is. */
function readable(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
