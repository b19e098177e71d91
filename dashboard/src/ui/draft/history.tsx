import {
  type QueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useState } from 'react';
import type { diffQuery, versionsQuery } from '../../api/config';
import { useRefusal } from '../../shell/role';
import { number } from '../../text/format';
import Button from '../button/button';
import Confirm from '../confirm/confirm';
import FailureNote from '../failure/failure';
import layout from '../layout/layout.module.css';
import Skeleton from '../skeleton/skeleton';
import Text from '../text/text';
import Time from '../time/time';
import Difference from './difference';
import styles from './draft.module.css';

type Diff = (from: number, to: number) => ReturnType<typeof diffQuery>;

/** Every version: who, when and why, what it changed, and a way back. */
export default function History({
  current,
  versions: query,
  diff,
  restore,
  changes,
  meaning,
}: {
  current: number;
  versions: ReturnType<typeof versionsQuery>;
  diff: Diff;
  restore: (version: number, upon: number) => Promise<unknown>;
  /** What is to be read anew behind a restore. */
  changes: QueryKey;
  /** What restoring one does. */
  meaning: string;
}) {
  const cache = useQueryClient();
  const refusal = useRefusal('tenant_admin');
  const list = useInfiniteQuery(query);
  const [open, setOpen] = useState<number | null>(null);
  const [back, setBack] = useState<number | null>(null);
  const restoring = useMutation({
    mutationFn: (version: number) => restore(version, current),
    onSettled: () => cache.invalidateQueries({ queryKey: changes }),
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
              {open === version && <Changed query={diff(version - 1, version)} />}
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
          {meaning} The versions between stay.
        </Confirm>
      )}
    </section>
  );
}

function Changed({ query }: { query: ReturnType<Diff> }) {
  const diff = useQuery(query);
  if (diff.data) return <Difference items={diff.data.items} />;
  if (diff.isError) return <FailureNote error={diff.error} onRetry={() => void diff.refetch()} />;
  return <Skeleton rows={2} height={18} />;
}
