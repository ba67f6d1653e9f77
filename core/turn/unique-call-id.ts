import type { ModelRequest } from '../model.ts';

/**
 * Makes the ids of a model call's tool calls unique within its prompt and its answer (P13): some servers number their calls
 * from `call_0` in every answer.
 *
 * @param others ids of the turn's calls that the prompt does not name
 * @returns a function that gives each id of the answer as it is, or with a suffix if it is taken
 * @example
 * const idOf = uniqueCallIds(messagesWithCall('call_0'));
 * idOf('call_0'); // 'call_0_2'
 * idOf('call_1'); // 'call_1'
 */
export function uniqueCallIds(
  messages: ModelRequest['messages'],
  others: Iterable<string> = [],
): (id: string) => string {
  const taken = new Set(others);
  for (const message of messages)
    if (message.role === 'assistant') for (const { id } of message.calls) taken.add(id);
  return (id) => {
    let unique = id;
    for (let n = 2; taken.has(unique); n++) unique = `${id}_${n}`;
    taken.add(unique);
    return unique;
  };
}
