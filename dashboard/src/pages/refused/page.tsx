import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { refusalsQuery } from '../../api/refusals';
import layout from '../../ui/layout/layout.module.css';
import PageHead from '../../ui/page-head/page-head';
import Refusals from '../../ui/refusals/refusals';

const REASONS = ['wrong_signature', 'missing_signature', 'stale_signature', 'too_many_failures'] as const;

/** What was refused at a company's sources before it was stored. */
export default function RefusedPage() {
  const { tenant } = useParams({ from: '/t/$tenant/sources/refused' });
  const search = useSearch({ from: '/t/$tenant/sources/refused' });
  const navigate = useNavigate();
  const list = useInfiniteQuery(refusalsQuery(tenant, search));
  const there = { to: '/t/$tenant/sources/refused', params: { tenant } } as const;
  return (
    <div className={layout.page}>
      <PageHead
        name="Refused deliveries"
        within="Sources"
        lead="What came and could not prove where it is from. Nothing of it is kept but how often it came, from where, and why it was refused."
      />
      <Refusals
        list={list}
        search={search}
        reasons={REASONS}
        onSearch={(next) => void navigate({ ...there, search: next })}
        linkTo={(next, words, title) => (
          <Link {...there} search={next} title={title}>
            {words}
          </Link>
        )}
      />
    </div>
  );
}
