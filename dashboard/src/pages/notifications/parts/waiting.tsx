import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { number } from '../../../text/format';
import Note from '../../../ui/note/note';
import { stoppedMessagesQuery } from '../queries';

/** Leads of which nobody can be told as long as nobody mends what is in the way. Nothing while there are none. */
export default function Waiting({ tenant }: { tenant: string }) {
  const waiting = useQuery(stoppedMessagesQuery(tenant)).data ?? 0;
  if (waiting === 0) return null;
  return (
    <Note>
      {waiting === 1 ? 'The messages of 1 lead wait' : `The messages of ${number(waiting)} leads wait`} for
      somebody.{' '}
      <Link to="/t/$tenant/stuck" params={{ tenant }}>
        See why
      </Link>
    </Note>
  );
}
