import { useEffect, useRef, useState } from 'react';
import { type Announced, newsBetween } from './announcer.tsx';
import { keptHere } from './kept.ts';

/** A reader waits for a shorter answer, and does not look elsewhere. */
const LONG_MS = 20_000;
const KEY = 'midturn:notice-asked';

/**
 * Tells by the browser's notifications that a long answer has ended, or that it asks for something, while the page is hidden. The reader is
 * asked once, beside the first long answer: browsers show their own question only after a click.
 *
 * @param title of the conversation
 */
export function useEndNotice(
  state: Announced,
  title: string,
): { isOffered: boolean; choose: (wants: boolean) => void } {
  const turnId = state.activeTurn?.turnId;
  const [long, setLong] = useState<string>();
  const [isAsked, setAsked] = useState(() => keptHere.getItem(KEY) !== null);
  useEffect(() => {
    if (turnId === undefined) return;
    const timer = setTimeout(() => setLong(turnId), LONG_MS);
    return () => clearTimeout(timer);
  }, [turnId]);

  const before = useRef(state);
  useEffect(() => {
    const last = before.current;
    before.current = state;
    if (last.activeTurn?.turnId !== long || long === undefined || !document.hidden) return;
    const hasEnded = state.activeTurn?.turnId !== long;
    const asks =
      (state.items.length > last.items.length && state.items.at(-1)?.kind === 'approval') ||
      (state.questions?.length ?? 0) > (last.questions?.length ?? 0);
    if (hasEnded || asks) show(title, newsBetween(last, state) ?? '');
  }, [state, long, title]);

  return {
    isOffered: !isAsked && turnId !== undefined && turnId === long && canAsk(),
    choose: (wants) => {
      setAsked(true);
      keptHere.setItem(KEY, wants ? 'yes' : 'no');
      if (wants) void Notification.requestPermission();
    },
  };
}

/** On an insecure page there are none. */
const canAsk = (): boolean => 'Notification' in window && Notification.permission === 'default';

function show(title: string, body: string): void {
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  try {
    const notice = new Notification(title, { body, tag: location.hash });
    notice.onclick = () => {
      focus();
      notice.close();
    };
  } catch (error) {
    // Chrome for Android lets only service workers show notifications.
    console.debug(error);
  }
}
