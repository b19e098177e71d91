import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { meQuery } from '../../api/queries';
import { refusalsOfNobodyQuery, type Refusals as Search } from '../../api/refusals';
import FailureNote from '../../ui/failure/failure';
import Forbidden from '../../ui/forbidden/forbidden';
import layout from '../../ui/layout/layout.module.css';
import PageHead from '../../ui/page-head/page-head';
import Refusals from '../../ui/refusals/refusals';
import Skeleton from '../../ui/skeleton/skeleton';

const REASONS = ['unknown_tenant', 'wrong_signature', 'missing_signature', 'too_many_failures'] as const;

/** Refused deliveries that named no company, for who administers the installation. */
export default function Security() {
  const me = useQuery(meQuery);
  const search = useSearch({ from: '/platform/security' });
  return (
    <div className={layout.page}>
      <PageHead
        name="Security"
        lead="Deliveries that were refused and named no company here. Those at a company’s sources stand there, under Refused deliveries."
      />
      {me.isPending ? (
        <Skeleton rows={6} height={36} />
      ) : me.isError ? (
        <FailureNote error={me.error} onRetry={() => void me.refetch()} />
      ) : me.data.role === 'platform_admin' ? (
        <OfNobody search={search} />
      ) : (
        <Forbidden refusal="This takes the role platform_admin. Ask who runs this installation." />
      )}
    </div>
  );
}

function OfNobody({ search }: { search: Search }) {
  const navigate = useNavigate();
  const list = useInfiniteQuery(refusalsOfNobodyQuery(search));
  return (
    <Refusals
      list={list}
      search={search}
      reasons={REASONS}
      onSearch={(next) => void navigate({ to: '/platform/security', search: next })}
      linkTo={(next, words, title) => (
        <Link to="/platform/security" search={next} title={title}>
          {words}
        </Link>
      )}
    />
  );
}
