import { memo } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { CodeBlock } from './code-block.tsx';

const COMPONENTS: Components = {
  a: ({ node: _, children, ...link }) => (
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

const PLUGINS = [remarkGfm];

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
      {text}
    </ReactMarkdown>
  );
});
