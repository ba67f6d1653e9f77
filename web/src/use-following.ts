import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Within this distance from the end, the view scrolls to new content. */
const FOLLOW_WITHIN_PX = 80;

/**
 * Keeps the end in view while the user is there, and does not scroll once they scroll away. `firstKey` identifies the
 * first section. `hasNew`: content was added below since the user scrolled away.
 */
export function useFollowing(content: unknown, firstKey: string | undefined, ownMessages: number) {
  const scroller = useRef<HTMLElement>(null);
  const [follows, setFollows] = useState(true);
  const [hasNew, setHasNew] = useState(false);
  const following = useRef(true);
  const first = useRef(firstKey);
  const height = useRef(0);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const look = () => {
      following.current = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_WITHIN_PX;
      setFollows(following.current);
      if (following.current) setHasNew(false);
    };
    element.addEventListener('scroll', look, { passive: true });
    // The window, the composer and unfolded details change the height without new content.
    const keep = new ResizeObserver(() => {
      // An empty conversation is read from its top.
      if (following.current && first.current !== undefined) element.scrollTop = element.scrollHeight;
      height.current = element.scrollHeight;
    });
    keep.observe(element);
    if (element.firstElementChild) keep.observe(element.firstElementChild);
    return () => {
      element.removeEventListener('scroll', look);
      keep.disconnect();
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when the content changes
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    if (following.current) {
      if (firstKey !== undefined) element.scrollTop = element.scrollHeight;
    } else if (firstKey !== first.current) {
      // Content that was added above must not move the text that is being read.
      element.scrollTop += element.scrollHeight - height.current;
    } else {
      setHasNew(true);
    }
    first.current = firstKey;
    height.current = element.scrollHeight;
  }, [content]);
  const toEnd = useCallback(() => {
    following.current = true;
    setFollows(true);
    setHasNew(false);
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, []);
  // A user who sent a message wants to see it.
  const written = useRef(ownMessages);
  useLayoutEffect(() => {
    if (ownMessages > written.current) toEnd();
    written.current = ownMessages;
  }, [ownMessages, toEnd]);
  return { scroller, follows, hasNew, toEnd };
}
