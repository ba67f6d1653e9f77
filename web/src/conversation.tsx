import { type ReactNode, useMemo } from 'react';
import type { ChatState } from '../../client/index.ts';
import { AgentChoice } from './agent-choice.tsx';
import { type AnswerActions, AnswerPart } from './answer.tsx';
import { Message } from './message.tsx';
import { hashOf } from './sessions.ts';
import { sectionsOf, type TurnSection } from './turns.ts';
import { useFollowing } from './use-following.ts';
import { Welcome } from './welcome.tsx';

export function Conversation({
  state,
  actions,
  asks,
  loadEarlier,
  say,
  origin,
  agentWish: { wish, choose },
}: {
  state: ChatState;
  actions: AnswerActions;
  /** What waits for the user in the answer that runs. Undefined: nothing. */
  asks: ReactNode | undefined;
  loadEarlier: () => void;
  say: (content: string) => void;
  /** The session of which this one is a fork. */
  origin: string | undefined;
  agentWish: { wish: string | undefined; choose: (agent: string | undefined) => void };
}) {
  const sections = useMemo(() => sectionsOf(state.items), [state.items]);
  const ownMessages = state.pending.length;
  const { scroller, follows, hasNew, toEnd } = useFollowing(state.items, sections[0]?.key, ownMessages);
  const isEmpty = sections.length === 0;
  return (
    <div className="conversation-frame">
      <section
        className="conversation"
        ref={scroller}
        aria-label="Conversation"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse
        tabIndex={0}
      >
        <div className="column">
          {origin !== undefined && (
            <p className="earlier">
              This conversation goes on from <a href={hashOf(origin)}>another one</a>.
            </p>
          )}
          {state.history.more && (
            <p className="earlier">
              <button
                type="button"
                className="link"
                disabled={state.history.status === 'loading'}
                onClick={loadEarlier}
              >
                {state.history.status === 'loading' ? 'Loading…' : 'Show earlier messages'}
              </button>
            </p>
          )}
          {isEmpty && (
            <Welcome loading={state.history.status !== 'loaded'} say={say}>
              {state.agent === undefined && <AgentChoice agents={state.agents} wish={wish} choose={choose} />}
            </Welcome>
          )}
          {sections.map((section) =>
            section.kind === 'turn' ? (
              <Turn
                key={section.key}
                section={section}
                running={state.activeTurn?.turnId === section.turnId}
                asks={state.activeTurn?.turnId === section.turnId ? asks : undefined}
                actions={actions}
              />
            ) : (
              <Message key={section.key} item={section.item} steering={false} actions={actions} />
            ),
          )}
        </div>
      </section>
      {!follows && (
        <button
          type="button"
          className="to-end"
          onClick={() => {
            toEnd();
            // The button disappears, so the focus moves to the conversation.
            scroller.current?.focus({ preventScroll: true });
          }}
        >
          {hasNew ? 'New below' : 'To the end'} <span aria-hidden="true">↓</span>
        </button>
      )}
    </div>
  );
}

function Turn({
  section: { opening, answer },
  running,
  asks,
  actions,
}: {
  section: TurnSection;
  running: boolean;
  asks: ReactNode | undefined;
  actions: AnswerActions;
}) {
  const last = answer.at(-1);
  const approvals = new Map(
    answer.flatMap((item) => (item.kind === 'approval' ? [[item.toolCallId, item]] : [])),
  );
  const calls = new Set(answer.flatMap((item) => (item.kind === 'tool' ? [item.id] : [])));
  const said = answer.flatMap((item) => (item.kind === 'text' ? [item.content] : []));
  const isAsking = last?.kind === 'approval' && !last.decision;
  const isSpeaking = last?.kind === 'text' || last?.kind === 'thinking' || isAsking;
  return (
    <div className="turn">
      {opening.map((item) => (
        <Message key={item.key} item={item} steering={false} actions={actions} />
      ))}
      <article className={`answer ${running ? 'is-running' : ''}`} aria-label="Answer" aria-busy={running}>
        {answer.map((item) => (
          <AnswerPart
            key={item.key}
            item={item}
            running={running}
            last={running && item === last}
            approval={item.kind === 'tool' ? approvals.get(item.id) : undefined}
            alone={item.kind === 'approval' && !calls.has(item.toolCallId)}
            text={item.kind === 'turn_end' && said.length > 0 ? () => said.join('\n\n') : undefined}
            actions={actions}
          />
        ))}
        {asks}
        {running && !isSpeaking && asks === undefined && (
          <p className="waiting">
            <span className="unseen">The answer is on its way</span>
            <i />
            <i />
            <i />
          </p>
        )}
      </article>
    </div>
  );
}
