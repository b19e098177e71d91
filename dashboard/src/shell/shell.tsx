import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Outlet, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { followTenant, useLive } from '../api/live-store';
import { USUAL } from '../api/preferences';
import { officesQuery } from '../api/queries';
import { OfficeZone } from './office';
import { usePreferences } from './preferences';
import Rail from './rail';
import styles from './shell.module.css';
import { setLetters, useShortcuts } from './shortcuts';
import { apply } from './theme';
import TopBar from './top-bar';

const Palette = lazy(() => import('./palette'));
const KeysHelp = lazy(() => import('./keys-help'));

/** What stays around every page of a tenant. */
export default function Shell() {
  const { tenant } = useParams({ from: '/t/$tenant' });
  const cache = useQueryClient();
  const offices = useQuery(officesQuery(tenant));
  const [open, setOpen] = useState<'palette' | 'keys' | null>(null);
  const { isOutdated } = useLive();
  useEffect(() => {
    const stop = followTenant(tenant, cache);
    return () => {
      stop();
      cache.removeQueries({ queryKey: ['t', tenant] });
    };
  }, [tenant, cache]);
  useShortcuts(tenant, setOpen);
  const { isKnown, preferences } = usePreferences();
  const { theme, density, hasLetters } = preferences;
  useEffect(() => {
    if (isKnown) apply({ ...USUAL, theme, density });
    setLetters(hasLetters);
  }, [isKnown, theme, density, hasLetters]);
  const zone = offices.data?.items[0]?.time_zone ?? 'UTC';
  return (
    <OfficeZone office={zone} shown={preferences.zone}>
      <div className={styles.shell}>
        <a href="#main" className={styles.skip}>
          Skip to the page
        </a>
        <Rail tenant={tenant} />
        <TopBar tenant={tenant} onSearch={() => setOpen('palette')} onKeys={() => setOpen('keys')} />
        <main id="main" className={styles.main} tabIndex={-1}>
          {isOutdated && (
            <p className={styles.notice} role="status">
              The product was updated. <a href={location.href}>Reload</a> to go on with the new version.
            </p>
          )}
          <Outlet />
        </main>
      </div>
      <Suspense>
        {open === 'palette' && <Palette tenant={tenant} onClose={() => setOpen(null)} />}
        {open === 'keys' && <KeysHelp onClose={() => setOpen(null)} />}
      </Suspense>
    </OfficeZone>
  );
}
