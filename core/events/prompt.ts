import { wellFormed } from '../../protocol/text.ts';
import type { PromptMessage } from '../model.ts';
import type { Entry } from './entries.ts';

/**
 * The prompt that follows from a transcript, and from nothing else (P11). The calls of one step are in one assistant
 * message. Their results are in one tool message after it, in the order of the calls (P13). Earlier versions stored
 * half surrogate pairs, which providers refuse: they are replaced here.
 */
export function promptOf(entries: readonly Entry[]): PromptMessage[] {
  const messages: PromptMessage[] = [];
  for (const entry of entries) {
    const last = messages.at(-1);
    switch (entry.role) {
      case 'user':
        messages.push({ role: 'user', content: /* rule: prompt-shows-all-content */ entry.content });
        break;
      case 'assistant':
        if (last?.role === 'assistant' && !last.calls.length) last.text += entry.content;
        else messages.push({ role: 'assistant', text: entry.content, calls: [] });
        break;
      case 'tool_call': {
        const call = { id: entry.id, name: entry.name, args: entry.args };
        if (last?.role === 'assistant') last.calls.push(call);
        else messages.push({ role: 'assistant', text: '', calls: [call] });
        break;
      }
      case 'tool_result': {
        const result = {
          id: entry.id,
          name: entry.name,
          output: entry.output,
          isError: entry.is_error === true,
        };
        if (last?.role === 'tool') last.results.push(result);
        else messages.push({ role: 'tool', results: [result] });
      }
    }
  }
  for (const [i, message] of messages.entries()) {
    const before = messages[i - 1];
    if (message.role !== 'tool' || before?.role !== 'assistant') continue;
    const order = new Map(before.calls.map((call, position) => [call.id, position]));
    message.results.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  }
  return wellFormed(messages);
}
