import { useQuery } from '@tanstack/react-query';
import { snippetQuery } from '../../../api/sources';
import Copy from '../../../ui/copy/copy';
import FailureNote from '../../../ui/failure/failure';
import layout from '../../../ui/layout/layout.module.css';
import Skeleton from '../../../ui/skeleton/skeleton';
import styles from '../page.module.css';

/** What whoever makes the website pastes into it. */
export default function Snippet({ tenant, source }: { tenant: string; source: string }) {
  const query = useQuery(snippetQuery(tenant, source));
  return (
    <section className={layout.card} aria-labelledby="snippet">
      <div className={layout.top}>
        <h2 id="snippet">For your web designer</h2>
        {query.data && (
          <span className={layout.end}>
            <Copy text={query.data.html} name="the form" />
          </span>
        )}
      </div>
      <p className={layout.faint}>
        A form to paste into a page. It works without its script, has a field that only programs fill in, and
        carries the visit’s campaign along. Its looks are the page’s own.
      </p>
      {query.data ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and is to be reached by keyboard for it.
        <pre className={styles.snippet} tabIndex={0}>
          {query.data.html}
        </pre>
      ) : query.isError ? (
        <FailureNote
          error={query.error}
          what="The form cannot be read."
          onRetry={() => void query.refetch()}
        />
      ) : (
        <Skeleton rows={1} height={200} />
      )}
    </section>
  );
}
