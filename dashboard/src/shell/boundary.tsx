import { useRouter } from '@tanstack/react-router';
import { Failure } from '../api/problem';
import FailureNote from '../ui/failure/failure';

/** What a route shows when it fails: the shell around it stays. */
export default function Boundary({ error, reset }: { error: unknown; reset: () => void }) {
  const router = useRouter();
  if (isGoneChunk(error) && reloadOnce()) return null;
  const retry = () => {
    reset();
    void router.invalidate();
  };
  return <FailureNote error={error} onRetry={retry} />;
}

/** A page's file that is gone, because the product was updated under this tab. */
const isGoneChunk = (error: unknown): boolean =>
  !(error instanceof Failure) &&
  error instanceof Error &&
  /import|module script|preload/i.test(error.message);

function reloadOnce(): boolean {
  const key = 'reloaded-for-update';
  try {
    if (sessionStorage.getItem(key) === location.pathname) return false;
    sessionStorage.setItem(key, location.pathname);
  } catch {
    return false;
  }
  location.reload();
  return true;
}
