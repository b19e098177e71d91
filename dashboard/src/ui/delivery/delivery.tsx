import { useQuery } from '@tanstack/react-query';
import { deliveryQuery } from '../../api/sources';
import Button from '../button/button';
import FailureNote from '../failure/failure';
import layout from '../layout/layout.module.css';
import Modal, { modalActions } from '../modal/modal';
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
  const query = useQuery(deliveryQuery(tenant, event));
  const one = query.data;
  return (
    <Modal title="A delivery, as it came" onClose={onClose}>
      {one ? (
        <>
          <p className={layout.faint}>
            <code>{one.event_id}</code> · proven by {one.scheme}
            {one.is_masked && ' · letters and digits are masked: the role operator sees them'}
            {one.is_cut && ' · only its beginning is shown'}
          </p>
          <pre className={styles.body} tabIndex={-1}>
            <Text>{one.body_encoding === 'text' ? readable(one.body) : one.body}</Text>
          </pre>
        </>
      ) : query.isError ? (
        <FailureNote error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <Skeleton rows={6} height={18} />
      )}
      <div className={modalActions}>
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
