import { type ReactNode, useRef } from 'react';
import { CopyButton } from './copy-button.tsx';

/** A block of code with a copy button. Wide lines scroll, by keyboard too. */
export function CodeBlock({ children }: { children: ReactNode }) {
  const code = useRef<HTMLPreElement>(null);
  return (
    <div className="code-block">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse */}
      <pre ref={code} tabIndex={0} dir="ltr">
        {children}
      </pre>
      <CopyButton label="Copy code" text={() => code.current?.textContent ?? ''} />
    </div>
  );
}
