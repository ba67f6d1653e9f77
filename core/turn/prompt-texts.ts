import { quotesOf } from '../content.ts';
import type { ModelRequest } from '../model.ts';

/** All texts of a prompt. */
export function* textsOf(messages: ModelRequest['messages']): Generator<string> {
  for (const message of messages) {
    switch (message.role) {
      case 'user':
        yield* quotesOf(message.content);
        break;
      case 'assistant':
        yield message.text;
        if (message.verbatim) yield JSON.stringify(message.verbatim.parts);
        yield* message.aside ?? [];
        for (const { args } of message.calls) yield JSON.stringify(args);
        break;
      case 'tool':
        for (const { output } of message.results)
          yield typeof output === 'string' ? output : JSON.stringify(output);
    }
  }
}
