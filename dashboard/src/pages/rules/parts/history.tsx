import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { diffQuery, restoreVersion, versionsQuery } from '../../../api/config';
import { keys } from '../../../api/keys';
import { useRefusal } from '../../../shell/role';
import { number } from '../../../text/format';
import Button from '../../../ui/button/button';
import Difference from '../../../ui/config-draft/difference';
import Confirm from '../../../ui/confirm/confirm';
import FailureNote from '../../../ui/failure/failure';
import layout from '../../../ui/layout/layout.module.css';
import Skeleton from '../../../ui/skeleton/skeleton';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import styles from '../page.module.css';

/** Every version: who, when and why, what it changed, and a way back. */
export default function History({
  tenant,
  office,
  current,
}: {
  tenant: string;
  office: string;
  current: number;
}) {
  const cache = useQueryClient();
  const refusal = useRefusal('tenant_admin');
  const list = useInfiniteQuery(versionsQuery(tenant, office));
  const [open, setOpen] = useState<number | null>(null);
  const [back, setBack] = useState<number | null>(null);
  const restoring = useMutation({
    mutationFn: (version: number) => restoreVersion(tenant, office, version, current),
    onSettled: () => cache.invalidateQueries({ queryKey: keys.configs(tenant) }),
  });
  const versions = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className={layout.card} aria-labelledby="history">
      <h2 id="history">Versions</h2>
      {list.isPending ? (
        <Skeleton rows={3} height={24} />
      ) : list.isError && versions.length === 0 ? (
        <FailureNote
          error={list.error}
          what="The versions cannot be read."
          onRetry={() => void list.refetch()}
        />
      ) : versions.length === 0 ? (
        <p className={layout.faint}>Nothing was saved yet: the defaults are in use.</p>
      ) : (
        <ol className={styles.versions}>
          {versions.map(({ version, author, created_at, note }) => (
            <li key={version}>
              <div className={styles.version}>
                <span>
                  <strong>Version {number(version)}</strong>
                  {version === current && ', in use'} · <Text>{author}</Text>, <Time at={created_at} />
                  {note && (
                    <>
                      : <Text>{note}</Text>
                    </>
                  )}
                </span>
                <span className={layout.buttons}>
                  {version > 1 && (
                    <Button
                      look="quiet"
                      aria-expanded={open === version}
                      onClick={() => setOpen(open === version ? null : version)}
                    >
                      What changed<span className="hidden-but-read"> in version {number(version)}</span>
                    </Button>
                  )}
                  {version !== current && (
                    <Button refusal={refusal} onClick={() => setBack(version)}>
                      Restore…<span className="hidden-but-read"> version {number(version)}</span>
                    </Button>
                  )}
                </span>
              </div>
              {open === version && <Changed tenant={tenant} office={office} version={version} />}
            </li>
          ))}
        </ol>
      )}
      {list.hasNextPage && <Button onClick={() => void list.fetchNextPage()}>Older</Button>}
      {back !== null && (
        <Confirm
          title={`Restore version ${number(back)}?`}
          act="Restore"
          onClose={() => setBack(null)}
          onAct={() => restoring.mutateAsync(back)}
        >
          What it says is saved as a new version and counts for leads that are judged from then on. The
          versions between stay.
        </Confirm>
      )}
    </section>
  );
}

function Changed({ tenant, office, version }: { tenant: string; office: string; version: number }) {
  const diff = useQuery(diffQuery(tenant, office, version - 1, version));
  if (diff.data) return <Difference items={diff.data.items} />;
  if (diff.isError) return <FailureNote error={diff.error} onRetry={() => void diff.refetch()} />;
  return <Skeleton rows={2} height={18} />;
}
