import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { useState } from 'react';
import { type Config, saveConfig, tryConfig } from '../../api/config';
import type { SavedConfig } from '../../api/config-query';
import { jobQuery } from '../../api/jobs';
import { keys } from '../../api/keys';
import { Failure } from '../../api/problem';

export const TRIAL_DAYS = 90;

/**
 * A part of an office's configuration as it is being written. It is saved upon the version that was seen; of two who save
 * at once, the later is asked whose counts.
 */
export function useConfigDraft<Written>({
  tenant,
  office,
  saved,
  write,
  read,
}: {
  tenant: string;
  office: string;
  saved: SavedConfig;
  /** A configuration as it is shown to be changed. */
  write: (config: Config) => Written;
  /** What was written, over all of a configuration that is not shown. */
  read: (before: Config, written: Written) => Config;
}) {
  const cache = useQueryClient();
  const [base, setBase] = useState(saved);
  const [written, setWritten] = useState(() => write(saved.config));
  const [note, setNote] = useState('');
  const config = read(base.config, written);
  const before = write(base.config);
  const isDirty = JSON.stringify(written) !== JSON.stringify(before);
  const takeTheirs = () => {
    setBase(saved);
    setWritten(write(saved.config));
  };
  // Whoever has changed nothing sees what others save; whoever has is asked when they save.
  if (!isDirty && saved.version !== base.version) takeTheirs();
  useBlocker({
    shouldBlockFn: () => isDirty && !confirm('Leave without saving your changes?'),
    enableBeforeUnload: () => isDirty,
  });
  const trying = useMutation({ mutationFn: () => tryConfig(tenant, office, config, TRIAL_DAYS) });
  const job = useQuery({
    ...jobQuery(tenant, trying.data?.job_id ?? ''),
    enabled: trying.data !== undefined,
  }).data;
  const saving = useMutation({
    mutationFn: (upon: number) => saveConfig(tenant, office, upon, config, note.trim()),
    onSuccess: (next) => {
      setBase(next);
      setWritten(write(next.config));
      setNote('');
      trying.reset();
    },
    onSettled: () => cache.invalidateQueries({ queryKey: keys.configs(tenant) }),
  });
  /** What the server said of a field, by its path in the configuration. */
  const faultOf = (field: string): string | undefined =>
    saving.error instanceof Failure
      ? saving.error.fields.find((fault) => fault.field === field || fault.field === `config.${field}`)
          ?.message
      : undefined;
  /** What the server said of a field and of all that stands in it, by its place in there: `2`, `0.connection`, or none. */
  const faultsIn = (field: string): { at: string; message: string }[] =>
    saving.error instanceof Failure
      ? saving.error.fields.flatMap((fault) => {
          const path = fault.field.replace(/^config\./, '');
          const isWithin = path === field || path.startsWith(`${field}.`);
          return isWithin ? [{ at: path.slice(field.length + 1), message: fault.message }] : [];
        })
      : [];
  return {
    tenant,
    office,
    saved,
    base,
    written,
    setWritten,
    note,
    setNote,
    isDirty,
    trying,
    job,
    saving,
    faultOf,
    faultsIn,
    takeTheirs,
    discard: () => setWritten(before),
  };
}
