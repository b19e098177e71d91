import { useState } from 'react';
import Button from '../button/button';

/** Copies a text; nothing where the browser has no clipboard. */
export default function Copy({ text, name }: { text: string; name: string }) {
  const [isCopied, setCopied] = useState(false);
  // Browsers have a clipboard on safe addresses alone; elsewhere the text is selected by one press.
  if (!navigator.clipboard) return null;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <Button onClick={() => void copy()}>
      {isCopied ? 'Copied' : 'Copy'}
      <span className="hidden-but-read"> {name}</span>
    </Button>
  );
}
