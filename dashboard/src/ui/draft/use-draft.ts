import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { useState } from 'react';

/**
 * Something with versions as it is being written. It is saved upon the version that was seen; of two who save at once, the
 * later is asked whose counts.
 */
export function useDraft<Saved extends { version: number }, Content, Written>({
  saved,
  contentOf,
  write,
  read,
  save,
  changes,
}: {
  saved: Saved;
  contentOf: (saved: Saved) => Content;
  /** What it says as it is shown to be changed. */
  write: (content: Content) => Written;
  /** What was written, over all that is not shown. */
  read: (before: Content, written: Written) => Content;
  save: (upon: number, content: Content, note: string) => Promise<Saved>;
  /** What is to be read anew behind a save. */
  changes: QueryKey;
}) {
  const cache = useQueryClient();
  const [base, setBase] = useState(saved);
  const [written, setWritten] = useState(() => write(contentOf(saved)));
  const [note, setNote] = useState('');
  const content = read(contentOf(base), written);
  const before = write(contentOf(base));
  const isDirty = JSON.stringify(written) !== JSON.stringify(before);
  const rebase = (next: Saved, onto: Written) => {
    setBase(next);
    setWritten(onto);
  };
  const takeTheirs = () => rebase(saved, write(contentOf(saved)));
  // Whoever has changed nothing sees what others save; whoever has is asked when they save.
  if (!isDirty && saved.version > base.version) takeTheirs();
  useBlocker({
    shouldBlockFn: () => isDirty && !confirm('Leave without saving your changes?'),
    enableBeforeUnload: () => isDirty,
  });
  const saving = useMutation({
    mutationFn: (upon: number) => save(upon, content, note.trim()),
    onSuccess: (next) => {
      rebase(next, write(contentOf(next)));
      setNote('');
    },
    onSettled: () => cache.invalidateQueries({ queryKey: changes }),
  });
  return {
    saved,
    base,
    content,
    written,
    setWritten,
    note,
    setNote,
    isDirty,
    saving,
    takeTheirs,
    /** What was written, upon the version that somebody else saved. */
    rebase: (onto: Written) => rebase(saved, onto),
    discard: () => setWritten(before),
  };
}
