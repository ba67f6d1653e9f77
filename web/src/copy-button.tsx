import { useEffect, useState } from 'react';
import { CheckIcon, CopyIcon } from './icons.tsx';

/** How long the button shows success. */
const COPIED_MS = 1500;

/** Copies a text. It is not there where the clipboard is not: outside of secure contexts. */
export function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  if (!('clipboard' in navigator)) return null;
  const copy = () => {
    navigator.clipboard.writeText(text()).then(
      () => setCopied(true),
      // The user denied access to the clipboard. The text can still be selected.
      () => setCopied(false),
    );
  };
  return (
    <button
      type="button"
      className="icon-button copy"
      onClick={copy}
      aria-label={copied ? 'Copied' : label}
      title={label}
    >
      {copied ? <CheckIcon /> : <CopyIcon />}
    </button>
  );
}
