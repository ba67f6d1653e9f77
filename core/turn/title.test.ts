import { describe, expect, it } from 'vitest';
import type { Model, ModelPart, ModelRequest } from '../model.ts';
import { listSessions } from '../session/session-list.ts';
import { sessionKey } from '../store/keys.ts';
import { nameForNow, rename } from '../store/session-writes.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';
import { titleIn } from './title.ts';

/** The title of a session, written by a model beside its turns. */

const USAGE = { inputTokens: 9, outputTokens: 3 };
const saying = (...parts: ModelPart[]): Model & { asked: ModelRequest[] } => {
  const asked: ModelRequest[] = [];
  return {
    asked,
    provider: 'house',
    name: 'small',
    async *stream(request) {
      asked.push(request);
      yield* parts;
    },
  };
};
const text = (words: string) =>
  saying({ type: 'text', text: words }, { type: 'finish', reason: 'stop', usage: USAGE });
const FAILURE: ModelPart = {
  type: 'failure',
  failure: { code: 'PROVIDER_ERROR', reason: 'provider', message: 'No.', retryable: true, diagnostic: 'no' },
};

async function given(titler: Model, parts: Parameters<typeof turnInMemory>[1] = {}) {
  const turn = await turnInMemory(text('The answer.'), { titler, ...parts });
  let n = 0;
  return {
    ...turn,
    async say(words = 'How do I cook soup?') {
      await turn.send(`m${++n}`, words);
      await turn.run();
      return turn.followUp();
    },
    item: () => turn.core.store.get(sessionKey(turn.session)),
  };
}

it('is made of the first answer, once: later turns ask for nothing', async () => {
  const titler = text('Cooking soup');
  const session = await given(titler);
  expect(await session.say()).toBe(1);
  expect(await session.item()).toMatchObject({ name: 'Cooking soup' });
  const [request] = titler.asked;
  expect(JSON.stringify(request)).toContain('How do I cook soup?');
  expect(JSON.stringify(request)).toContain('The answer.');
  expect(await session.say('And then?')).toBe(0);
  expect(titler.asked).toHaveLength(1);
  const { sessions } = await listSessions(
    session.core,
    { tenant: 'acme', subject: 'ann' },
    { limit: 9, bytes: 9999 },
  );
  expect(sessions).toMatchObject([{ name: 'Cooking soup' }]);
});

it.each([
  ['before its turn', async (name: () => Promise<void>) => name()],
  ['while the model writes', async () => {}],
])('never takes the place of a name that a person gave %s', async (when, before) => {
  const name = async () => {
    await session.core.store.update(sessionKey(session.session), rename('Mine'));
  };
  const titler = text('Another');
  const { stream } = titler;
  titler.stream = async function* (...args) {
    if (when === 'while the model writes') await name();
    yield* stream(...args);
  };
  const session = await given(titler);
  await before(name);
  await session.say();
  expect(await session.item()).toMatchObject({ name: 'Mine' });
  expect(await session.item()).not.toHaveProperty('provisional');
});

it('takes the place of a name that a client made by itself, and not the other way round', async () => {
  const session = await given(text('Cooking soup'));
  const forNow = (name: string) => session.core.store.update(sessionKey(session.session), nameForNow(name));
  expect(await forNow('How do I cook…')).toMatchObject({ ok: true });
  await session.say();
  expect(await session.item()).toMatchObject({ name: 'Cooking soup' });
  expect(await session.item()).not.toHaveProperty('provisional');
  expect(await forNow('How do I cook…')).toEqual({ ok: false });
});

it.each([
  ['fails', saying(FAILURE)],
  ['says nothing', text('   ')],
  ['says only marks', text('**""**')],
])(
  'that a model does not write changes nothing: where it %s, later turns try again, three times in all',
  async (_, titler) => {
    const session = await given(titler);
    for (let n = 1; n <= 5; n++) await session.say(`words ${n}`);
    expect(titler.asked).toHaveLength(3);
    expect(await session.item()).not.toHaveProperty('name');
  },
);

it('a worker dies at any write: there is one title, and at most one model call for each attempt', async () => {
  let deaths = 0;
  for (let dies = 1; ; dies++) {
    let writes = 0;
    let isDead = false;
    const store = memoryStore(new MemoryTable(), async (call, run) => {
      if (isWrite(call) && ++writes === dies) {
        isDead = true;
        throw new Error('the worker dies');
      }
      return run();
    });
    const titler = text('Cooking soup');
    const session = await given(titler, { core: { store } }).catch(() => undefined);
    if (!session) continue;
    await session.say().catch(() => 0);
    await session.run();
    await session.followUp();
    const item = await session.item();
    if (titler.asked.length > 0 && !isDead) {
      expect(item).toMatchObject({ name: 'Cooking soup' });
      break;
    }
    deaths++;
    expect(titler.asked.length).toBeLessThanOrEqual(2);
    expect([undefined, 'Cooking soup']).toContain(item?.name);
  }
  expect(deaths).toBeGreaterThan(4);
});

describe('titleIn', () => {
  it.each([
    ['"Cooking soup"', 'Cooking soup'],
    ['# Title: Cooking soup.\n\nMore words', 'Cooking soup'],
    ['\n**Suppe kochen**\n', 'Suppe kochen'],
    ['«Приготовление супа»', 'Приготовление супа'],
    ['What is 1.5?', 'What is 1.5?'],
    ['a\u0007b', 'a b'],
    ['', ''],
  ])('%j becomes %j', (said, title) => {
    expect(titleIn(said)).toBe(title);
  });

  it('is at most 80 characters', () => {
    expect(titleIn('word '.repeat(100)).length).toBeLessThanOrEqual(80);
  });
});
