import { useEffect, useRef, useState } from 'react';
import { visible } from '../../client/display.ts';
import type { Question } from '../../client/elicitation.ts';
import type { ApprovalItem, ChatState, TurnEndItem } from '../../client/index.ts';
import { asSentence, budgetNote } from './budget-note.ts';

/** What there is to announce: the conversation, and the open questions of MCP servers. */
export type Announced = ChatState & { readonly questions?: readonly Question[] };

/**
 * Announces to a screen reader that an answer began or ended, that it asks for something, and that steering was applied. It does not announce the
 * text, which would be read out word by word as it streams; the text is in the conversation.
 */
export function Announcer({ state }: { state: Announced }) {
  const [words, setWords] = useState('');
  const before = useRef<Announced>(undefined);
  useEffect(() => {
    const news = before.current && newsBetween(before.current, state);
    before.current = state;
    if (news) setWords(news);
  }, [state]);
  return (
    <div className="unseen" role="status" aria-live="polite">
      {words}
    </div>
  );
}

export function newsBetween(before: Announced, after: Announced): string | undefined {
  if (before.activeTurn && after.activeTurn?.turnId !== before.activeTurn.turnId) {
    const { turnId } = before.activeTurn;
    const end = after.items.findLast(
      (item): item is TurnEndItem => item.kind === 'turn_end' && item.turnId === turnId,
    );
    if (end?.outcome.result === 'failed') {
      const { code, message, until } = end.outcome;
      return `The answer ended early. ${code === 'BUDGET_EXCEEDED' ? asSentence(budgetNote(until)) : message}`;
    }
    return end?.outcome.result === 'aborted' ? 'The answer was stopped.' : 'The answer is complete.';
  }
  if (!before.activeTurn && after.activeTurn) return 'Answering.';
  const asking = newIn(openApprovals(after), openApprovals(before));
  if (asking) return `${asking.tool} asks for your approval.`;
  const question = newIn(after.questions, before.questions);
  if (question) return `${visible(question.server)} asks you something.`;
  const step = after.activeTurn?.step ?? 0;
  if (step > 1 && step > (before.activeTurn?.step ?? 0)) return `Your message was taken in at step ${step}.`;
  const refused = refusedIn(after) - refusedIn(before);
  if (refused > 0) return refused === 1 ? 'A message was not taken.' : `${refused} messages were not taken.`;
  const isOnline = after.connection.status === 'online';
  if (isOnline === (before.connection.status === 'online')) return undefined;
  if (isOnline) return 'Connected.';
  return after.connection.status === 'waiting' ? 'The connection is lost. Reconnecting.' : undefined;
}

/** The last request that was not there before: another one may have been answered meanwhile. */
function newIn<T extends { requestId: string }>(
  after: readonly T[] = [],
  before: readonly T[] = [],
): T | undefined {
  const known = new Set(before.map(({ requestId }) => requestId));
  return after.findLast(({ requestId }) => !known.has(requestId));
}

const openApprovals = ({ items }: ChatState): ApprovalItem[] =>
  items.filter((item): item is ApprovalItem => item.kind === 'approval' && !item.decision);

function refusedIn({ items }: ChatState): number {
  return items.filter((item) => item.kind === 'user' && item.state.status === 'rejected').length;
}
