import type { Instructions, ModelMessage, SystemModelMessage } from 'ai';
import { systemMessages } from '../agent/instructions.ts';

/** System messages stay as they are: they may have options of the provider. */
export function withNotes(
  instructions: Instructions,
  notes: readonly string[],
): string | SystemModelMessage[] {
  if (typeof instructions === 'string')
    return [instructions, ...notes].filter((text) => text !== '').join('\n');
  const said = notes.length > 0 ? [{ role: 'system' as const, content: notes.join('\n') }] : [];
  return [...systemMessages(instructions), ...said];
}

/** For a model that takes no instructions of their own: they begin the first message. */
export function withInstructions(instructions: string, prompt: ModelMessage[]): ModelMessage[] {
  const [first, ...rest] = prompt;
  if (instructions === '') return prompt;
  if (first?.role !== 'user')
    return [{ role: 'user', content: instructions }, ...(first ? [first, ...rest] : [])];
  const content =
    typeof first.content === 'string'
      ? `${instructions}\n\n${first.content}`
      : [{ type: 'text' as const, text: instructions }, ...first.content];
  return [{ role: 'user', content }, ...rest];
}
