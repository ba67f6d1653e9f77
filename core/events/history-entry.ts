import type { HistoryEntry } from '../../protocol/server-frames.ts';
import type { Entry } from './entries.ts';
import { outputText } from './output-text.ts';
import { notedForm } from './stored-event.ts';

/** An entry of the transcript with the field names of the protocol. */
export function historyEntry(entry: Entry): HistoryEntry {
  const { turn: turn_id, n } = entry;
  switch (entry.role) {
    case 'user': {
      const { id, content, at, step, from } = entry;
      return { n, turn_id, role: 'user', id, content, at, step, ...(from && { from }) };
    }
    case 'assistant':
      return { n, turn_id, role: 'assistant', content: entry.content };
    case 'tool_call': {
      const { id, name, args, provider_executed } = entry;
      return {
        n,
        turn_id,
        role: 'tool_call',
        id,
        name,
        args,
        ...(provider_executed && { provider_executed }),
      };
    }
    case 'tool_result': {
      const { id, name, output, is_error, truncated, output_length, provider_executed } = entry;
      return {
        n,
        turn_id,
        role: 'tool_result',
        id,
        name,
        ...outputText(output),
        ...(is_error && { is_error }),
        ...(truncated && { truncated }),
        ...(output_length !== undefined && { output_length }),
        ...(provider_executed && { provider_executed }),
      };
    }
    case 'event':
      return { n, turn_id, role: 'event', event: notedForm(entry.event) };
  }
}
