import { useLayoutEffect, useRef } from 'react';
import { CloseIcon } from './icons.tsx';
import type { Trace, TracedFrame } from './trace.ts';
import { useFrameStore } from './use-frame-store.ts';

/** The wire itself: every frame of this page's connection. */
export function FramesPanel({ trace, close }: { trace: Trace; close: () => void }) {
  const frames = useFrameStore(trace);
  const list = useRef<HTMLOListElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows the newest frame
  useLayoutEffect(() => {
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
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
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable without a mouse */}
      <ol ref={list} tabIndex={0} aria-label="Frames, newest last">
        {frames.map((frame) => (
          <Frame key={frame.number} frame={frame} />
        ))}
      </ol>
    </aside>
  );
}

function Frame({ frame: { direction, type, text, at } }: { frame: TracedFrame }) {
  return (
    <li className={`frame frame-${direction}`}>
      <p>
        <span className="frame-way">{direction === 'in' ? '←' : '→'}</span>
        <span className="unseen">{direction === 'in' ? 'received' : 'sent'}</span>
        <strong>{type}</strong>
        <time dateTime={new Date(at).toISOString()}>{new Date(at).toISOString().slice(14, 23)}</time>
      </p>
      <code>{text}</code>
    </li>
  );
}
