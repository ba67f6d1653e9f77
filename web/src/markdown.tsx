import { type MouseEvent, memo, useMemo } from 'react';
import ReactMarkdown, { type Components, type ExtraProps } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { CodeBlock } from './code-block.tsx';
import { Formula } from './formula.tsx';
import { mayHaveFormulas, withFormulas } from './formula-marks.ts';
import type * as Formulas from './formulas.ts';
import { lazy, useLazy } from './use-lazy.ts';

type Element = NonNullable<ExtraProps['node']>;

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
  pre: ({ node }) => <Code node={node} />,
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

/** Loaded with the first text that may have a formula. */
export const formulas = lazy(() => import('./formulas.ts'));
const PLUGINS = [remarkGfm];

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const loaded = useLazy(formulas, mayHaveFormulas(text));
  const { plugins, components } = useMemo(
    () =>
      loaded
        ? {
            plugins: [...PLUGINS, loaded.formulaPlugin],
            components: { ...COMPONENTS, ...withFormula(loaded) },
          }
        : { plugins: PLUGINS, components: COMPONENTS },
    [loaded],
  );
  return (
    <ReactMarkdown remarkPlugins={plugins} components={components}>
      {loaded ? withFormulas(text) : text}
    </ReactMarkdown>
  );
});

/** A formula comes from the parser as code of the language `math`: in a line, or as a block. */
function withFormula(loaded: typeof Formulas): Components {
  return {
    code: ({ node, children }) =>
      classesOf(node).includes('math-inline') ? (
        <Formula tex={textOf(node)} isBlock={false} formulas={loaded} />
      ) : (
        <code>{children}</code>
      ),
    pre: ({ node }) =>
      classesOf(codeOf(node)).includes('math-display') ? (
        <Formula tex={textOf(codeOf(node))} isBlock formulas={loaded} />
      ) : (
        <Code node={node} />
      ),
  };
}

/** `node`: a `pre` of the parser, with one `code` in it. */
function Code({ node }: { node: Element | undefined }) {
  const code = codeOf(node);
  const language = classesOf(code)
    .find((name) => name.startsWith('language-'))
    ?.slice('language-'.length);
  return <CodeBlock code={textOf(code)} language={language} />;
}

function codeOf(node: Element | undefined): Element | undefined {
  return node?.children.find((child) => child.type === 'element');
}

function classesOf(node: Element | undefined): string[] {
  const names = node?.properties.className;
  return Array.isArray(names) ? names.map(String) : [];
}

function textOf(node: Element | undefined): string {
  return node?.children.map((child) => (child.type === 'text' ? child.value : '')).join('') ?? '';
}
