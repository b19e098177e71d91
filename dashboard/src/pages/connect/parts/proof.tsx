import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { testSource } from '../../../api/sources';
import Button, { buttonClass } from '../../../ui/button/button';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Refused from '../../../ui/note/refused';
import styles from '../page.module.css';

/** Sends a test delivery, which proves the way in. */
export default function Proof({ tenant, source, name }: { tenant: string; source: string; name: string }) {
  const testing = useMutation({ mutationFn: () => testSource(tenant, source) });
  return (
    <section className={styles.proof} aria-label="Test">
      {testing.data && (
        <Note {...(testing.data.is_arrived ? { look: 'done' as const } : {})}>{testing.data.detail}</Note>
      )}
      <Refused error={testing.error} what="The test could not be sent" />
      <div className={layout.buttons}>
        <Button disabled={testing.isPending} onClick={() => testing.mutate()}>
          {testing.isPending ? 'Testing…' : 'Send a test'}
        </Button>
        <Link to="/t/$tenant/sources/$id" params={{ tenant, id: source }} className={buttonClass()}>
          See {name}
        </Link>
      </div>
    </section>
  );
}
