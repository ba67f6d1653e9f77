import { memo } from 'react';
import type { ApprovalItem, DataItem, ToolItem, ToolValue } from '../../client/index.ts';
import { agentMessage } from './agent-message.ts';
import { decisionOf } from './approval.tsx';
import { ChevronIcon, ToolIcon } from './icons.tsx';
import { masked } from './masked.ts';
import { inWords } from './seconds-left.ts';

/** A tool call in one line, which unfolds to its input and output, and to who approved it. */
export const Tool = memo(function Tool({
  item,
  running,
  approval,
}: {
  item: ToolItem;
  running: boolean;
  approval?: ApprovalItem | undefined;
}) {
  const { progress, request, result } = item;
  const state = stateOf(item, running, approval);
  return (
    <details
      className={`fold tool tool-${result?.isError ? 'failed' : result ? 'done' : running ? 'running' : ''}`}
    >
      <summary>
        <ToolIcon />
        <span className="tool-name">{item.name}</span>
        <span className="tool-brief" dir="auto">
          {masked(brief(progress ?? item.args))}
        </span>
        <span className="tool-state">{state}</span>
        <ChevronIcon />
      </summary>
      <dl>
        <dt>Arguments</dt>
        <dd>
          <Value value={item.args} />
        </dd>
        {approval?.resolved && (
          <>
            <dt>Approval</dt>
            <dd>{decisionOf(approval)}</dd>
          </>
        )}
        {request && running && (
          <>
            <dt>Waits</dt>
            <dd className="note">
              A client runs this tool, and this page does not know how. Your application answers with{' '}
              <code>addToolOutput</code>. Without an answer, the call fails {inWords(request.timeoutSeconds)}{' '}
              after it was made.
            </dd>
          </>
        )}
        {progress !== undefined && (
          <>
            <dt>So far</dt>
            <dd>
              <Value value={progress} />
            </dd>
          </>
        )}
        {result && (
          <>
            <dt>
              {result.isError ? 'Error' : 'Result'}
              {result.truncated && ` (${shortenedFrom(result.outputLength)})`}
            </dt>
            <dd>
              <Value value={result.output} />
            </dd>
          </>
        )}
      </dl>
    </details>
  );
});

/** A value that a tool has sent. This page knows none of an application's names, and shows each as it is. */
export const Data = memo(function Data({ item }: { item: DataItem }) {
  return (
    <details className="fold data">
      <summary>
        <span className="tool-name">{item.name}</span>
        <span className="tool-brief">{brief(item.data)}</span>
        <ChevronIcon />
      </summary>
      <Value value={item.data} />
    </details>
  );
});

function stateOf(
  { request, result }: ToolItem,
  running: boolean,
  approval: ApprovalItem | undefined,
): string {
  const isDenied = approval?.resolved && approval.decision === 'deny';
  if (result) return isDenied ? 'not run' : result.isError ? 'failed' : 'done';
  if (!running) return 'not finished';
  if (approval && !approval.decision) return 'waits for you';
  return request ? 'waits for an application' : 'running';
}

function Value({ value }: { value: ToolValue }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse
    <pre tabIndex={0} dir="auto">
      {typeof value === 'string'
        ? value
        : (agentMessage(value)?.join('\n') ?? JSON.stringify(value, null, 2))}
    </pre>
  );
}

const shortenedFrom = (length: number | undefined) =>
  length === undefined ? 'shortened' : `shortened, of ${length.toLocaleString('en')} characters`;

/** Formats arguments like `seconds: 3, unit: minutes`. */
function brief(args: ToolValue): string {
  if (args === null) return '';
  if (typeof args !== 'object') return String(args);
  const said = agentMessage(args);
  if (said) return said.at(-1) ?? '';
  const named = Object.entries(args).map(([name, value]) => `${name}: ${plain(value)}`);
  return named.join(', ');
}

function plain(value: ToolValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
