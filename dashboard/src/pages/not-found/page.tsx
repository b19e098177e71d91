import { Link } from '@tanstack/react-router';
import { buttonClass } from '../../ui/button/button';
import Empty from '../../ui/empty/empty';

export default function NotFound() {
  return (
    <main style={{ maxWidth: 640, margin: '12vh auto', padding: 16 }}>
      <title>Not here · Leads</title>
      <h1 className="hidden-but-read">Not here</h1>
      <Empty
        title="There is no page at this address"
        actions={
          <Link to="/" className={buttonClass('primary')}>
            Go to Today
          </Link>
        }
      >
        The link may be old, or a letter is missing.
      </Empty>
    </main>
  );
}
