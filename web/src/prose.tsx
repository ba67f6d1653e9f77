import { useEffect, useMemo, useState } from 'react';
import { Markdown } from './markdown.tsx';
import { blocksOf } from './markdown-blocks.ts';
import { steady } from './streaming-markdown.ts';

/** Characters of a growing text that a painted frame adds at most, so that the page stays at hand. */
const FRAME_CHARACTERS = 16_000;

/** The text of an answer. `growing`: more may follow. Blocks that are complete are parsed once. */
export function Prose({ text, growing }: { text: string; growing: boolean }) {
  const [room, setRoom] = useState(growing ? FRAME_CHARACTERS : Number.POSITIVE_INFINITY);
  const blocks = useMemo(() => blocksOf(text), [text]);
  const shown = useMemo(() => fitting(blocks, room), [blocks, room]);
  const isWhole = shown === blocks.length;
  const length = text.length;
  useEffect(() => {
    if (room >= length + FRAME_CHARACTERS) return;
    const request = requestAnimationFrame(() => setRoom((before) => before + FRAME_CHARACTERS));
    return () => cancelAnimationFrame(request);
  }, [room, length]);
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
