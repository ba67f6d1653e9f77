import { memo } from 'react';
import { endingNote } from '../../client/display.ts';
import { filesIn } from '../../client/files.ts';
import type { ApprovalItem, Item, TrimmedItem, TurnEndItem, TurnOutcome } from '../../client/index.ts';
import { Approval } from './approval.tsx';
import { AttachedFile } from './attached-file.tsx';
import { asSentence, budgetNote } from './budget-note.ts';
import { CopyButton } from './copy-button.tsx';
import { AgainIcon } from './icons.tsx';
import { Message, type MessageActions } from './message.tsx';
import { Prose } from './prose.tsx';
import { ModelFile, Sources } from './sources.tsx';
import { Data, Tool } from './tool.tsx';

export interface AnswerActions extends MessageActions {
  approve(requestId: string, decision: 'approve' | 'always' | 'deny'): void;
  /** Sends the last applied messages of the turn again. */
  askAgain(turnId: string): void;
  /** The same in a conversation of its own, from before them. */
  answerAgain(turnId: string): void;
}

/** One part of an answer. `running`: its turn is running. `last`: new text is added to this part. */
export const AnswerPart = memo(function AnswerPart({
  item,
  running,
  last,
  approval,
  alone = false,
  text,
  actions,
}: {
  item: Item;
  running: boolean;
  last: boolean;
  /** The request for a tool's call, if there is one. */
  approval?: ApprovalItem | undefined;
  /** The call of a request is not shown. */
  alone?: boolean;
  /** What the answer says, of its end. */
  text?: (() => string) | undefined;
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
            <span className="thinking-brief" dir="auto">
              {item.content}
            </span>
          </summary>
          <p dir="auto">{item.content}</p>
        </details>
      );
    case 'tool':
      return (
        <>
          <Tool item={item} running={running} approval={approval} />
          {filesIn(item.result?.output).map((file) => (
            <AttachedFile key={file.file} file={file} from={`Made by ${item.name}`} />
          ))}
        </>
      );
    case 'approval':
      // The call's own line tells what became of it.
      return item.resolved && !alone ? null : (
        <Approval
          item={item}
          running={running}
          answer={(decision) => actions.approve(item.requestId, decision)}
        />
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
      return <TurnEnd item={item} text={text} actions={actions} />;
    default:
      return item satisfies never;
  }
});

const trimmedLine = ({ form, droppedMessages }: TrimmedItem): string =>
  form && droppedMessages === 0
    ? 'the model was shown the conversation in another form'
    : `${droppedMessages} older messages are no longer seen by the model`;

function TurnEnd({
  item: { outcome, turnId },
  text,
  actions,
}: {
  item: TurnEndItem;
  text: (() => string) | undefined;
  actions: AnswerActions;
}) {
  if (outcome.result !== 'failed') {
    return (
      <p className="turn-end">
        {endNote(outcome)}
        {text && <CopyButton label="Copy the answer" text={text} />}
        <button
          type="button"
          className="icon-button copy"
          aria-label="Answer again in a new conversation"
          title="Answer again in a new conversation"
          onClick={() => actions.answerAgain(turnId)}
        >
          <AgainIcon />
        </button>
      </p>
    );
  }
  return (
    <div className="turn-failed">
      <p>
        <strong>{text ? 'The answer ended early.' : 'There is no answer.'}</strong>{' '}
        <span dir="auto">
          {outcome.code === 'BUDGET_EXCEEDED' ? asSentence(budgetNote(outcome.until)) : outcome.message}
        </span>
      </p>
      <p className="turn-failed-next">
        {text && outcome.code !== 'SESSION_DELETED' && 'What was said is kept.'}
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
