import { memo } from 'react';
import { endingNote } from '../../client/ending-note.ts';
import {
  type ApprovalItem,
  argumentsText,
  type Item,
  type TrimmedItem,
  type TurnEndItem,
  type TurnOutcome,
} from '../../client/index.ts';
import { asSentence, budgetNote } from './budget-note.ts';
import { Message, type MessageActions } from './message.tsx';
import { Prose } from './prose.tsx';
import { ModelFile, Sources } from './sources.tsx';
import { Data, Tool } from './tool.tsx';

export interface AnswerActions extends MessageActions {
  approve(requestId: string, decision: 'approve' | 'always' | 'deny'): void;
  /** Sends the last applied messages of the turn again. */
  askAgain(turnId: string): void;
}

/** One part of an answer. `running`: its turn is running. `last`: new text is added to this part. */
export const AnswerPart = memo(function AnswerPart({
  item,
  running,
  last,
  actions,
}: {
  item: Item;
  running: boolean;
  last: boolean;
  actions: AnswerActions;
}) {
  switch (item.kind) {
    case 'text':
      return <Prose text={item.content} growing={last} />;
    case 'user':
      return <Message item={item} steering actions={actions} />;
    case 'thinking':
      return (
        <details className="fold thinking">
          <summary>
            <span>{last ? 'Thinking…' : 'Thought'}</span>
            <span className="thinking-brief">{item.content}</span>
          </summary>
          <p>{item.content}</p>
        </details>
      );
    case 'tool':
      return <Tool item={item} running={running} />;
    case 'approval':
      return (
        <div className="approval">
          <p>
            <strong>{item.tool}</strong> asks for your approval: {item.summary}
          </p>
          {item.arguments !== undefined && (
            <details className="approval-arguments">
              <summary>What will run, whole</summary>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse */}
              <pre tabIndex={0}>{argumentsText(item)}</pre>
            </details>
          )}
          {item.decision ? (
            <p className="note">{decisionOf(item)}</p>
          ) : (
            running && (
              <p className="approval-choice">
                {CHOICES.filter(([decision]) => decision !== 'always' || item.offersAlways).map(
                  ([decision, label]) => (
                    <button
                      key={decision}
                      type="button"
                      className="button"
                      onClick={() => actions.approve(item.requestId, decision)}
                    >
                      {label}
                    </button>
                  ),
                )}
              </p>
            )
          )}
        </div>
      );
    case 'trimmed':
      return <p className="turn-end">{trimmedLine(item)}</p>;
    case 'compacted':
      return <p className="turn-end">earlier messages are summarised for the model</p>;
    case 'model_changed':
      return (
        <p className="turn-end">
          {item.from} failed; {item.provider}:{item.model} goes on
        </p>
      );
    case 'sources':
      return <Sources item={item} />;
    case 'file':
      return <ModelFile item={item} />;
    case 'data':
      return <Data item={item} />;
    case 'turn_end':
      return <TurnEnd item={item} actions={actions} />;
    default:
      return item satisfies never;
  }
});

const trimmedLine = ({ form, droppedMessages }: TrimmedItem): string =>
  form && droppedMessages === 0
    ? 'the model was shown the conversation in another form'
    : `${droppedMessages} older messages are no longer seen by the model`;

function TurnEnd({ item: { outcome, turnId }, actions }: { item: TurnEndItem; actions: AnswerActions }) {
  if (outcome.result !== 'failed') return <p className="turn-end">{endNote(outcome)}</p>;
  return (
    <div className="turn-failed">
      <p>
        <strong>The answer ended early.</strong>{' '}
        {outcome.code === 'BUDGET_EXCEEDED' ? asSentence(budgetNote(outcome.until)) : outcome.message}
      </p>
      <p className="turn-failed-next">
        {outcome.code !== 'SESSION_DELETED' && 'What was said is kept.'}
        {outcome.retryable && (
          <button type="button" className="link" onClick={() => actions.askAgain(turnId)}>
            Ask again
          </button>
        )}
        <code>{outcome.code}</code>
      </p>
    </div>
  );
}

function endNote(outcome: Exclude<TurnOutcome, { result: 'failed' }>): string {
  if (outcome.result === 'aborted') return 'Stopped. What was said is kept.';
  const { steps, inputTokens, outputTokens, model, cached, finishReason } = outcome.usage;
  const parts = [
    model,
    `${steps} ${steps === 1 ? 'step' : 'steps'}`,
    `${(inputTokens + outputTokens).toLocaleString('en')} tokens`,
  ];
  if (cached) parts.push('from the cache');
  const ending = endingNote(finishReason);
  if (ending) parts.unshift(ending);
  return parts.join(' · ');
}

const CHOICES = [
  ['approve', 'Approve'],
  ['always', 'Always approve'],
  ['deny', 'Deny'],
] as const;

function decisionOf({ decision, resolved }: ApprovalItem): string {
  if (!resolved) return 'Answering…';
  if (resolved.reason === 'timeout') return 'Not run: nobody answered in time';
  if (resolved.reason === 'aborted') return 'Not run: the turn was stopped';
  return decision === 'deny' ? 'Denied' : 'Approved';
}
