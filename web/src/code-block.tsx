import { useMemo, useRef } from 'react';
import { CopyButton } from './copy-button.tsx';
import { lazy, useLazy } from './use-lazy.ts';

const highlighter = lazy(() => import('./highlighter.ts'));
/**
 * A block that grows is coloured again with each painted frame. Of a long row of words some languages' rules take a time that grows with
 * its square: half a second for so many characters.
 */
const COLOURED_CHARACTERS = 10_000;

/**
 * A block of code with its language's name, if the model wrote one, and a copy button. Wide lines scroll, by keyboard too, and fade
 * at the side where there is more.
 */
export function CodeBlock({ code, language }: { code: string; language: string | undefined }) {
  const text = useRef<HTMLPreElement>(null);
  const isColoured = language !== undefined && code.length <= COLOURED_CHARACTERS;
  const loaded = useLazy(highlighter, isColoured);
  const coloured = useMemo(
    () => (isColoured ? loaded?.highlighted(code, language.toLowerCase()) : undefined),
    [code, language, isColoured, loaded],
  );
  return (
    <div className="code-block">
      {language !== undefined && <p className="code-language">{language}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse */}
      <pre ref={text} tabIndex={0} dir="ltr">
        <code>{coloured ?? code}</code>
      </pre>
      <CopyButton label="Copy code" text={() => text.current?.textContent ?? ''} />
    </div>
  );
}
