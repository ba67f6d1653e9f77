import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import type { Model, ModelPart } from '../model.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';

const RESERVE_MS = 500;
const TOOL_MS = 1000;

/** The deliveries in which the tool ran, if the first has so much time and the others have plenty. */
async function ranIn(firstMs: number, maxToolMs: number): Promise<number[]> {
  let delivery = 0;
  const ran: number[] = [];
  const model: Model = {
    provider: 'test',
    name: 'calls',
    async *stream({ messages }): AsyncGenerator<ModelPart> {
      if (messages.length > 1) yield { type: 'text', text: 'done' };
      else yield { type: 'tool_call', id: 'call', name: 'tool', args: {} };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const turn = await turnInMemory(model, {
    toolbox: {
      ...idleToolbox,
      timeLimitMs: () => milliseconds(TOOL_MS),
      async run() {
        ran.push(delivery);
        return { output: null, isError: false };
      },
    },
    worker: {
      remainingMs: () => milliseconds(delivery === 1 ? firstMs : 100_000),
      reserveMs: milliseconds(RESERVE_MS),
      maxToolMs: milliseconds(maxToolMs),
    },
    onDelivery: () => {
      delivery++;
    },
  });
  await turn.send('m', 'hello');
  expect(await turn.run()).toBe(delivery);
  return ran;
}

describe('P11: a tool is started where its time limit fits before the reserve, and is otherwise left to a fresh invocation', () => {
  it.each([
    [TOOL_MS + RESERVE_MS - 1, TOOL_MS * 2, 2],
    [TOOL_MS + RESERVE_MS, TOOL_MS * 2, 1],
    [TOOL_MS + RESERVE_MS + 1, TOOL_MS * 2, 1],
    // No tool is given longer than an invocation of the function allows.
    [TOOL_MS / 2 + RESERVE_MS - 1, TOOL_MS / 2, 2],
    [TOOL_MS / 2 + RESERVE_MS, TOOL_MS / 2, 1],
  ])('%d ms left, at most %d ms for a tool: it runs in delivery %d', async (left, most, delivery) => {
    expect(await ranIn(left, most)).toEqual([delivery]);
  });
});
