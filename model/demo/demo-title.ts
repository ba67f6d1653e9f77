import { wordsOf } from '../../core/content.ts';
import type { PromptMessage } from '../../core/model.ts';
import { TITLE_REQUEST } from '../../core/turn/title.ts';

const WORDS = 5;

/** The title that the demo model writes, of the words that the user said first. Undefined: no title is asked for. */
export function demoTitle(messages: readonly PromptMessage[]): string | undefined {
  const [asked] = messages;
  if (messages.length !== 1 || asked?.role !== 'user') return undefined;
  const lines = wordsOf(asked.content).split('\n');
  if (lines.at(-1) !== TITLE_REQUEST) return undefined;
  const said = lines.find((line) => line.startsWith('{"role":"user"'));
  // Each line of the conversation is JSON.
  const { content } = JSON.parse(said ?? '{"content":""}') as { content: string };
  const words = content
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, WORDS)
    .join(' ');
  return `About: ${words.replace(/[.,;:!?…]+$/u, '')}`;
}
