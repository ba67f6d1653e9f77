import { type ReactNode, useId, useState } from 'react';
import { visible } from '../../client/display.ts';
import { type ApprovalItem, argumentsText, type ToolValue } from '../../client/index.ts';
import { masked } from './masked.ts';
import { TimeLeft } from './time-left.tsx';

type Decision = 'approve' | 'always' | 'deny';

/** Asks a person whether a call may run, until it is decided. */
export function Approval({
  item,
  running,
  answer,
}: {
  item: ApprovalItem;
  /** Its turn runs: only then can it be answered. */
  running: boolean;
  answer: (decision: Decision) => void;
}) {
  const titleId = useId();
  const [isRevealed, setRevealed] = useState(false);
  const show = (text: string) => (isRevealed ? text : masked(text));
  const shown = shownArguments(item);
  const texts = typeof shown === 'string' ? [shown] : shown.map(({ text }) => text);
  const hides = texts.some((text) => masked(text) !== text);
  return (
    <section className="approval" aria-labelledby={titleId}>
      <h3 id={titleId}>
        May <code>{item.tool}</code> run?
      </h3>
      <Arguments shown={shown} show={show} />
      {hides && (
        <button
          type="button"
          className="link approval-reveal"
          onClick={() => setRevealed(!isRevealed)}
          aria-pressed={isRevealed}
        >
          {isRevealed ? 'Hide what looks secret' : 'Show what looks secret'}
        </button>
      )}
      {item.decision || !running ? (
        <p className="note" role="status">
          {decisionOf(item) ?? 'Nobody answered.'}
        </p>
      ) : (
        <>
          <p className="approval-choice">
            <button type="button" className="button primary" onClick={() => answer('approve')}>
              Approve
            </button>
            <button type="button" className="button" onClick={() => answer('deny')}>
              Deny
            </button>
            {item.offersAlways && (
              <button type="button" className="link approval-always" onClick={() => answer('always')}>
                Always approve
              </button>
            )}
          </p>
          <p className="note">
            Counts as denied <TimeLeft asked={item} />.
          </p>
        </>
      )}
    </section>
  );
}

/** The whole arguments, a row for each; from a server that is too old to send them, the summary. */
function shownArguments(item: ApprovalItem): string | { name: string; text: string }[] {
  const { arguments: args } = item;
  const rows = typeof args === 'object' && args !== null && !Array.isArray(args) ? Object.entries(args) : [];
  const text = argumentsText(item);
  if (rows.length === 0) return args !== undefined && text === '{}' ? [] : text;
  return rows.map(([name, value]) => ({ name, text: visible(textOf(value)) }));
}

function Arguments({
  shown,
  show,
}: {
  shown: ReturnType<typeof shownArguments>;
  show: (text: string) => string;
}): ReactNode {
  if (typeof shown === 'string') return <Text text={show(shown)} />;
  if (shown.length === 0) return null;
  return (
    <table>
      <tbody>
        {shown.map(({ name, text }) => (
          <tr key={name}>
            <th scope="row">{visible(name)}</th>
            <td>
              <Text text={show(text)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Long values scroll, by keyboard too. */
const Text = ({ text }: { text: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse
  <pre tabIndex={0} dir="auto">
    {text}
  </pre>
);

const textOf = (value: ToolValue): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 2);

/** What became of a request; undefined while it is open. */
export function decisionOf({ decision, resolved }: ApprovalItem): string | undefined {
  if (!resolved) return decision && 'Answering…';
  if (resolved.reason === 'timeout') return 'Not run: nobody answered in time';
  if (resolved.reason === 'aborted') return 'Not run: the turn was stopped';
  if (decision === 'deny') return 'Denied';
  return resolved.reason === 'always' ? 'Approved for always before' : 'Approved';
}
