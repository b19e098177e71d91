import { useMutation, useQuery } from '@tanstack/react-query';
import { type Config, saveConfig, tryConfig } from '../../api/config';
import type { SavedConfig } from '../../api/config-query';
import { jobQuery } from '../../api/jobs';
import { keys } from '../../api/keys';
import { Failure } from '../../api/problem';
import { useDraft } from '../draft/use-draft';

export const TRIAL_DAYS = 90;

/** A part of an office's configuration as it is being written. It can be tried on what came in. */
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
  const draft = useDraft<SavedConfig, Config, Written>({
    saved,
    contentOf: ({ config }) => config,
    write,
    read,
    save: async (upon, config, note) => {
      const next = await saveConfig(tenant, office, upon, config, note);
      trying.reset();
      return next;
    },
    changes: keys.configs(tenant),
  });
  const trying = useMutation({ mutationFn: () => tryConfig(tenant, office, draft.content, TRIAL_DAYS) });
  const job = useQuery({
    ...jobQuery(tenant, trying.data?.job_id ?? ''),
    enabled: trying.data !== undefined,
  }).data;
  const { error } = draft.saving;
  const said = error instanceof Failure ? error.fields : [];
  /** What the server said of a field, by its path in the configuration. */
  const faultOf = (field: string): string | undefined =>
    said.find((fault) => fault.field === field || fault.field === `config.${field}`)?.message;
  /** What the server said of a field and of all that stands in it, by its place in there: `2`, `0.connection`, or none. */
  const faultsIn = (field: string): { at: string; message: string }[] =>
    said.flatMap((fault) => {
      const path = fault.field.replace(/^config\./, '');
      const isWithin = path === field || path.startsWith(`${field}.`);
      return isWithin ? [{ at: path.slice(field.length + 1), message: fault.message }] : [];
    });
  return { ...draft, tenant, office, trying, job, faultOf, faultsIn };
}
