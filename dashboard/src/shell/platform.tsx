import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { USUAL } from '../api/preferences';
import { firstOf, meQuery } from '../api/queries';
import { signOut } from '../api/sign-in';
import Button from '../ui/button/button';
import styles from './platform.module.css';
import { usePreferences } from './preferences';
import shell from './shell.module.css';
import { apply } from './theme';

/** What stays around the pages that belong to no company: there may be none yet. */
export default function Platform() {
  const me = useQuery(meQuery).data;
  const navigate = useNavigate();
  const { isKnown, preferences } = usePreferences();
  const { theme, density } = preferences;
  useEffect(() => {
    if (isKnown) apply({ ...USUAL, theme, density });
  }, [isKnown, theme, density]);
  const first = me && firstOf(me);
  const leave = async () => {
    await signOut().catch(() => {});
    await navigate({ to: '/sign-in', search: {} });
  };
  return (
    <>
      <a href="#main" className={shell.skip}>
        Skip to the page
      </a>
      <header className={styles.bar}>
        <span className={styles.brand}>
          <img src="/dashboard/icon.svg" alt="" width={24} height={24} />
          Leads
        </span>
        <nav aria-label="Pages" className={styles.pages}>
          {first && (
            <Link to="/t/$tenant" params={{ tenant: first.tenant_id }}>
              ‹ <bdi>{first.name}</bdi>
            </Link>
          )}
          {me?.role === 'platform_admin' && (
            <>
              <Link to="/platform/tenants">Companies</Link>
              <Link to="/platform/security" search={{}}>
                Security
              </Link>
            </>
          )}
        </nav>
        <span className={styles.end}>
          <Button look="quiet" onClick={() => void leave()}>
            Sign out
          </Button>
        </span>
      </header>
      <main id="main" className={styles.main} tabIndex={-1}>
        <Outlet />
      </main>
    </>
  );
}
