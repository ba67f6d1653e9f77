import { useEffect, useMemo, useState } from 'react';
import { FrameQueue } from './frame-queue.ts';
import { Markdown } from './markdown.tsx';
import { blocksOf } from './markdown-blocks.ts';
import { steady } from './streaming-markdown.ts';
import { usePlayed } from './use-played.ts';

/** Characters that a painted frame adds at most. A text begins with as many. */
const FRAME_CHARACTERS = 4_000;
/** Room that is kept for what comes next, so that a text which grows slowly is rendered once per frame. */
const SPARE_CHARACTERS = 1_000;

/** Of all texts of the page together. */
const frames = new FrameQueue((run) => requestAnimationFrame(run));

/** The text of an answer. `growing`: more may follow. Blocks that are complete are parsed once. */
export function Prose({ text: whole, growing: more }: { text: string; growing: boolean }) {
  const text = usePlayed(whole, more);
  const growing = more || text.length < whole.length;
  const [room, setRoom] = useState(FRAME_CHARACTERS);
  const blocks = useMemo(() => blocksOf(text), [text]);
  const shown = useMemo(() => fitting(blocks, room), [blocks, room]);
  const isWhole = shown === blocks.length;
  const needed = blocks.reduce((sum, block) => sum + block.length, growing ? SPARE_CHARACTERS : 0);
  const isFull = room >= needed;
  useEffect(() => {
    if (isFull) return;
    return frames.add(() => setRoom(room + FRAME_CHARACTERS));
  }, [room, isFull]);
  return (
    <div className={`prose ${growing ? 'is-streaming' : ''}`}>
      {blocks.slice(0, shown).map((block, index) => (
        <Markdown
          // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only added at the end
          key={index}
          text={growing && isWhole && index === shown - 1 ? steady(block) : block}
        />
      ))}
    </div>
  );
}

/** How many of the blocks fit: at least one. */
function fitting(blocks: readonly string[], room: number): number {
  let length = 0;
  const end = blocks.findIndex((block, index) => {
    length += block.length;
    return index > 0 && length > room;
  });
  return end < 0 ? blocks.length : end;
}
