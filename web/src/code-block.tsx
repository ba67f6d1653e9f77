import { type ReactNode, useEffect, useRef, useState } from 'react';
import { CheckIcon, CopyIcon } from './icons.tsx';

/** How long the button shows success. */
const COPIED_MS = 1500;

/** A block of code with a copy button. Wide lines scroll, by keyboard too. */
export function CodeBlock({ children }: { children: ReactNode }) {
  const code = useRef<HTMLPreElement>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    navigator.clipboard.writeText(code.current?.textContent ?? '').then(
      () => setCopied(true),
      // The user denied access to the clipboard. The code can still be selected.
      () => setCopied(false),
    );
  };
  return (
    <div className="code-block">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse */}
      <pre ref={code} tabIndex={0}>
        {children}
      </pre>
      {/* The clipboard exists in secure contexts only. */}
      {'clipboard' in navigator && (
        <button
          type="button"
          className="icon-button"
          onClick={copy}
          aria-label={copied ? 'Copied' : 'Copy code'}
        >
          {copied ? <CheckIcon /> : <CopyIcon />}
        </button>
      )}
    </div>
  );
}
