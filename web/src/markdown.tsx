import { type MouseEvent, memo } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { CodeBlock } from './code-block.tsx';

const COMPONENTS: Components = {
  a: ({ node: _, children, ...link }) =>
    link.href?.startsWith('#') ? (
      <a {...link} href={link.href} onClick={goToFootnote}>
        {children}
      </a>
    ) : (
      <a {...link} target="_blank" rel="noreferrer noopener">
        {children}
      </a>
    ),
  pre: ({ node: _, children }) => <CodeBlock>{children}</CodeBlock>,
  table: ({ node: _, children, ...table }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse
    <div className="table-scroll" tabIndex={0}>
      <table {...table}>{children}</table>
    </div>
  ),
  // The check box of a task list.
  input: ({ node: _, checked, type }) => (
    <input type={type} checked={checked} disabled aria-label={checked ? 'Done' : 'Not done'} />
  ),
  // An answer may contain any address. Nothing is fetched before the user opens it.
  img: ({ alt, src }) => (
    <a href={typeof src === 'string' ? src : undefined} target="_blank" rel="noreferrer noopener">
      {alt || 'image'}
    </a>
  ),
};

/** A footnote and the way back are in the same text. The address stays: it names the session. */
function goToFootnote(event: MouseEvent<HTMLAnchorElement>): void {
  event.preventDefault();
  const id = event.currentTarget.hash.slice(1);
  const target = event.currentTarget.closest('.prose')?.querySelector(`#${CSS.escape(id)}`);
  if (!(target instanceof HTMLElement)) return;
  target.tabIndex = -1;
  target.focus();
}

const PLUGINS = [remarkGfm];

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
      {text}
    </ReactMarkdown>
  );
});
