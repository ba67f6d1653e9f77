import { expect, test } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import { asMessageId } from '../ids.ts';
import type { Model, ModelPart } from '../model.ts';
import type { Lane } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { set } from '../store/update.ts';
import { memoryStore, type StoreCall } from '../testing/memory-store.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';

/** What a store refuses for ever, and what the user of the session then sees. */

class Refused extends Error {
  override readonly name = 'ValidationException';
}

const USAGE = { inputTokens: 1, outputTokens: 1 };

/** Calls a tool, then answers. */
function scripted(onCall: () => void): Model {
  return {
    provider: 'test',
    name: 'scripted',
    async *stream({ messages }): AsyncGenerator<ModelPart> {
      onCall();
      const last = messages.at(-1);
      if (last?.role === 'user' && last.content === 'hello') {
        yield { type: 'text', text: 'spoken ' };
        yield { type: 'tool_call', id: 'the-call', name: 'tool', args: { given: 'argument' } };
      } else yield { type: 'text', text: 'answer' };
      yield { type: 'finish', reason: 'stop', usage: USAGE };
    },
  };
}

const toolbox = { ...idleToolbox, run: async () => ({ output: 'result-of-tool', isError: false }) };

type Kind = 'LANE' | 'ENTRY' | 'EVENTS';

const isOf = (call: StoreCall, kind: Kind) =>
  call.operation === (kind === 'LANE' ? 'update' : 'put') && call.key.sk.startsWith(`${kind}#`);

/** Writes of a turn on the lane set `unspilled`. Others, such as a message that comes in, are none of the turn. */
const isTurns = (text: string, kind: Kind) => kind !== 'LANE' || text.includes('"unspilled"');

const cases: readonly [kind: Kind, refused: string, first: string][] = [
  ['LANE', 'spoken', 'hello'],
  ['LANE', 'argument', 'hello'],
  ['LANE', 'result-of-tool', 'hello'],
  ['LANE', 'the-call', 'hello'],
  // Not even giving the turn up succeeds.
  ['LANE', 'tool_result', 'hello'],
  ['LANE', 'poison', 'poison'],
  ['ENTRY', 'spoken', 'hello'],
  ['ENTRY', 'the-call', 'hello'],
  ['ENTRY', 'result-of-tool', 'hello'],
  ['EVENTS', 'turn_start', 'hello'],
  ['EVENTS', 'the-call', 'hello'],
  ['EVENTS', 'spoken', 'hello'],
];

test.each(cases)(
  'P1: where each write of %s with "%s" is refused, the turn ends, the model is called a few times, the session goes on',
  async (kind, refused, first) => {
    let calls = 0;
    let isRefusing = true;
    const store = memoryStore(undefined, async (call, run) => {
      const text = JSON.stringify(call);
      if (isRefusing && isOf(call, kind) && isTurns(text, kind) && text.includes(refused))
        throw new Refused();
      return run();
    });
    const posted: { type: string; id?: string; code?: string; turn_id?: string }[] = [];
    const turn = await turnInMemory(
      scripted(() => calls++),
      {
        toolbox,
        core: {
          store,
          gateway: {
            async post(_, frame) {
              posted.push(JSON.parse(frame));
              return 'sent';
            },
            disconnect: async () => 'closed',
          },
        },
      },
    );
    await turn.send('m', first);
    expect(await turn.run()).toBeDefined();
    expect(calls).toBeLessThan(30);
    expect((await turn.read())?.turn).toBeUndefined();
    const outcome = await store.get(messageKey(turn.session, asMessageId('m')));
    if (first === 'poison') {
      expect(outcome).toMatchObject({ outcome: 'withdrawn', code: 'AGENT_ERROR' });
      expect(posted).toContainEqual(expect.objectContaining({ type: 'error', code: 'AGENT_ERROR', id: 'm' }));
    } else expect(outcome).toMatchObject({ outcome: 'taken' });

    await turn.send('later', 'and now?');
    expect(await turn.run()).toBeDefined();
    expect(await store.get(messageKey(turn.session, asMessageId('later')))).toMatchObject({
      outcome: 'taken',
    });
    isRefusing = false;
    const events = await readEvents(turn.core, turn.session, 1);
    expect(events.at(-1)).toMatchObject({ type: 'done' });
  },
);

test('P1: a message that comes through late and cannot be stored is rejected too, although each worker renews its turn', async () => {
  const store = memoryStore(undefined, async (call, run) => {
    const text = JSON.stringify(call);
    if (isOf(call, 'LANE') && isTurns(text, 'LANE') && text.includes('poison')) throw new Refused();
    return run();
  });
  const turn = await turnInMemory(
    scripted(() => {}),
    { toolbox, core: { store } },
  );
  await turn.send('m', 'hello');
  expect(await turn.run()).toBeDefined();
  await turn.send('late', 'poison');
  // The request that opened the turn is older than the lane's last turn.
  const opened = await store.update(laneKey(turn.session, turn.lane), {
    when: [],
    change: [set<Lane>('since', epochMs(0))],
  });
  expect(opened.ok).toBe(true);
  expect(await turn.run()).toBeDefined();
  expect(await store.get(messageKey(turn.session, asMessageId('late')))).toMatchObject({
    outcome: 'withdrawn',
    code: 'AGENT_ERROR',
  });
});

test('P8, P13: a turn of which an event could not be stored is abandoned by the worker that takes over', async () => {
  let calls = 0;
  const written = new Map<string, Set<string>>();
  const store = memoryStore(undefined, async (call, run) => {
    if (isOf(call, 'EVENTS') && JSON.stringify(call).includes('the-call')) throw new Refused();
    if (call.operation === 'put' && isOf(call, 'ENTRY')) {
      const { sk } = call.key;
      written.set(sk, (written.get(sk) ?? new Set()).add(JSON.stringify(call.item)));
    }
    return run();
  });
  // The request spills what the lane holds, and the wait for an answer ends the first worker.
  const turn = await turnInMemory(
    scripted(() => calls++),
    { toolbox: { ...toolbox, needsApproval: async () => true }, core: { store } },
  );
  const lastEvent = async () => (await readEvents(turn.core, turn.session, 1)).at(-1);
  await turn.send('m', 'hello');
  expect(await turn.run()).toBeGreaterThan(1);
  expect(await lastEvent()).toMatchObject({ type: 'error', code: 'AGENT_ERROR' });
  expect(calls).toBe(1);

  await turn.send('later', 'and now?');
  expect(await turn.run()).toBeDefined();
  expect(await lastEvent()).toMatchObject({ type: 'done' });
  expect([...written.values()].map(({ size }) => size)).toEqual([...written].map(() => 1));
});

test('P10: the messages of a turn that was abandoned before its entries were written are known as taken for a day', async () => {
  const store = memoryStore();
  const turn = await turnInMemory(
    scripted(() => {}),
    { toolbox, core: { store } },
  );
  await turn.send('m', 'hello');
  const key = laneKey(turn.session, turn.lane);
  const opened = (await store.get(key))?.turn;
  if (opened === undefined) throw new Error('no turn was opened');
  // Its worker began it, applied the message and died; no event of it can be read.
  const begun = await store.update<Lane>(key, {
    when: [],
    change: [
      set('begun', { turn: opened, seq: 1, entry: 1, at: epochMs(1) }),
      set('seq', 2),
      set('inbox', {}),
      set('ids', { [asMessageId('m')]: 1, [asMessageId('cancelled')]: 1 }),
      set('undelivered', { [asMessageId('cancelled')]: { code: 'cancelled' } }),
    ],
  });
  expect(begun.ok).toBe(true);
  expect(await turn.run()).toBeDefined();
  const outcomeOf = (id: string) => store.get(messageKey(turn.session, asMessageId(id)));
  expect(await outcomeOf('m')).toMatchObject({ outcome: 'taken', turn: opened });
  expect(await outcomeOf('cancelled')).toMatchObject({ outcome: 'withdrawn' });
});
