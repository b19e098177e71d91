import type { ReactNode } from 'react';
import Empty from '../empty/empty';

/** A page that the role does not open: what it is, and who opens it. */
export default function Forbidden({ refusal, children }: { refusal: string; children?: ReactNode }) {
  return (
    <Empty title="Your role does not open this page">
      {refusal} {children}
    </Empty>
  );
}
