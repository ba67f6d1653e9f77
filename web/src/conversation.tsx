import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { ChatState } from '../../client/index.ts';
import { type AnswerActions, AnswerPart } from './answer.tsx';
import { Message } from './message.tsx';
import { sectionsOf, type TurnSection } from './turns.ts';

/** Closer to the end than this, the view follows what is being said. */
const FOLLOW_WITHIN_PX = 80;

export function Conversation({
  state,
  actions,
  loadEarlier,
}: {
  state: ChatState;
  actions: AnswerActions;
  loadEarlier: () => void;
}) {
  const sections = useMemo(() => sectionsOf(state.items), [state.items]);
  const ownMessages = state.pending.length;
  const { scroller, follows, toEnd } = useFollowing(state.items, sections[0]?.key, ownMessages);
  const isEmpty = sections.length === 0;
  return (
    <div className="conversation-frame">
      <section
        className="conversation"
        ref={scroller}
        aria-label="Conversation"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable without a mouse
        tabIndex={0}
      >
        <div className="column">
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
          {isEmpty && <Welcome loading={state.history.status !== 'loaded'} />}
          {sections.map((section) =>
            section.kind === 'turn' ? (
              <Turn
                key={section.key}
                section={section}
                running={state.activeTurn?.turnId === section.turnId}
                actions={actions}
              />
            ) : (
              <Message key={section.key} item={section.item} steering={false} actions={actions} />
            ),
          )}
        </div>
      </section>
      {!follows && (
        <button type="button" className="to-end" onClick={toEnd}>
          {state.activeTurn ? 'Follow the answer' : 'To the end'} ↓
        </button>
      )}
    </div>
  );
}

function Turn({
  section: { opening, answer },
  running,
  actions,
}: {
  section: TurnSection;
  running: boolean;
  actions: AnswerActions;
}) {
  const last = answer.at(-1);
  const isSpeaking = last?.kind === 'text' || last?.kind === 'thinking';
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
            actions={actions}
          />
        ))}
        {running && !isSpeaking && (
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

function Welcome({ loading }: { loading: boolean }) {
  if (loading) return <p className="welcome-wait">Opening the conversation…</p>;
  return (
    <div className="welcome">
      <h2>Say something. Then say more.</h2>
      <p>
        You need not wait for the end of an answer. What you write meanwhile is taken in at its next step, and
        stands there, in the answer, where it made a difference. Nothing already said is taken back.
      </p>
    </div>
  );
}

/**
 * Keeps the end in view while the reader is there, and keeps still once they scroll away. `firstKey` names what stands
 * at the top.
 */
function useFollowing(content: unknown, firstKey: string | undefined, ownMessages: number) {
  const scroller = useRef<HTMLElement>(null);
  const [follows, setFollows] = useState(true);
  const following = useRef(true);
  const first = useRef(firstKey);
  const height = useRef(0);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const look = () => {
      following.current = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_WITHIN_PX;
      setFollows(following.current);
    };
    element.addEventListener('scroll', look, { passive: true });
    // The window, the composer and unfolded details change the height without a new item.
    const keep = new ResizeObserver(() => {
      if (following.current) element.scrollTop = element.scrollHeight;
      height.current = element.scrollHeight;
    });
    keep.observe(element);
    if (element.firstElementChild) keep.observe(element.firstElementChild);
    return () => {
      element.removeEventListener('scroll', look);
      keep.disconnect();
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when there is something new to follow
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    if (following.current) element.scrollTop = element.scrollHeight;
    // What came in above shall not push away what is being read.
    else if (firstKey !== first.current) element.scrollTop += element.scrollHeight - height.current;
    first.current = firstKey;
    height.current = element.scrollHeight;
  }, [content]);
  const toEnd = useCallback(() => {
    following.current = true;
    setFollows(true);
    if (scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, []);
  // Who has just written wants to see it.
  const written = useRef(ownMessages);
  useLayoutEffect(() => {
    if (ownMessages > written.current) toEnd();
    written.current = ownMessages;
  }, [ownMessages, toEnd]);
  return { scroller, follows, toEnd };
}
