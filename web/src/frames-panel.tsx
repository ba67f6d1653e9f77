import { memo, useLayoutEffect, useRef } from 'react';
import { useStore } from '../../client/react/index.ts';
import { CloseIcon } from './icons.tsx';
import type { Trace, TracedFrame } from './trace.ts';

/** Within this distance from the end, the panel scrolls to new frames. */
const FOLLOW_WITHIN_PX = 40;

/** Every frame of this page's connection. */
export function FramesPanel({ trace, close }: { trace: Trace; close: () => void }) {
  const frames = useStore(trace);
  const list = useRef<HTMLOListElement>(null);
  const follows = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows the newest frame
  useLayoutEffect(() => {
    const element = list.current;
    if (element && follows.current) element.scrollTop = element.scrollHeight;
  }, [frames]);
  return (
    <aside className="frames" aria-label="Raw frames">
      <header>
        <h2>Frames</h2>
        <p>{frames.length === 0 ? 'none yet' : `${frames.at(-1)?.number} so far`}</p>
        <button type="button" className="icon-button" onClick={close} aria-label="Hide raw frames">
          <CloseIcon />
        </button>
      </header>
      <ol
        ref={list}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse
        tabIndex={0}
        aria-label="Frames, newest last"
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          follows.current = scrollHeight - scrollTop - clientHeight < FOLLOW_WITHIN_PX;
        }}
      >
        {frames.map((frame) => (
          <Frame key={frame.number} frame={frame} />
        ))}
      </ol>
    </aside>
  );
}

/** A frame's first three lines, and the whole frame when unfolded. */
const Frame = memo(function Frame({ frame: { direction, type, text, at } }: { frame: TracedFrame }) {
  return (
    <li className={`frame frame-${direction}`}>
      <details>
        <summary>
          <span className="frame-way" aria-hidden="true">
            {direction === 'in' ? '←' : '→'}
          </span>
          <span className="unseen">{direction === 'in' ? 'received' : 'sent'}</span>
          <strong>{type}</strong>
          <time dateTime={new Date(at).toISOString()}>{new Date(at).toISOString().slice(14, 23)}</time>
          <code>{text}</code>
        </summary>
      </details>
    </li>
  );
});
