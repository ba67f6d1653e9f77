import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Changes } from '../../conformance/client/changes.ts';
import { matches, withIds } from '../../conformance/client/matching.ts';
import { Messages } from '../../conformance/client/messages.ts';
import { Story } from '../../conformance/client/story.ts';
import { tokenOf } from '../../conformance/client/token.ts';
import { readCommand, selectNamed, selectRules, UsageError } from '../../conformance/command.ts';
import { readFrame } from '../../conformance/frames.ts';
import { Broken, brief, demand, Missed, meet, need, Skipped } from '../../conformance/outcome.ts';
import { json, table } from '../../conformance/report.ts';
import { type Result, verdict } from '../../conformance/result.ts';
import type { Rule, Scenario } from '../../conformance/rule.ts';
import { runRules } from '../../conformance/run.ts';

describe('the messages of a client under test', () => {
  const message = (id: unknown, content: string, order?: number) => ({ type: 'message', id, content, order });
  /** The client was told to send `a`, whose text is A, and `b`. */
  function given() {
    const messages = new Messages();
    messages.announce('a', 'A');
    messages.announce('b', 'B');
    return messages;
  }

  it('each have an id of their own, and rise in order', () => {
    const messages = given();
    expect(messages.received(message('m1', 'A', 0))).toEqual({ wrong: [] });
    expect(messages.received(message('m2', 'B', 1))).toEqual({ wrong: [] });
    expect([...messages.ids]).toEqual([
      ['a', 'm1'],
      ['b', 'm2'],
    ]);
  });

  it.each([
    ['nobody wrote', [message('m1', 'C')], 'a message was sent that nobody wrote: "C"'],
    ['has no id', [message(undefined, 'A')], 'a message has no `id`: it cannot be repeated (6.7.4)'],
    [
      'has the id of another',
      [message('m1', 'A'), message('m1', 'B')],
      'two messages have the id m1 (6.7.1)',
    ],
    [
      'comes again under another id',
      [message('m1', 'A'), message('m2', 'A')],
      'a message was sent again under another id: m1, then m2 (6.7.4)',
    ],
    [
      'has the order of the one before',
      [message('m1', 'A', 3), message('m2', 'B', 3)],
      '`order` does not rise: 3, then 3 (6.6.2)',
    ],
    [
      'comes again with another order',
      [message('m1', 'A', 1), message('m1', 'A', 2)],
      'a repeat has another `order`: 1, then 2 (6.6.1)',
    ],
  ])('are wrong where one %s', (_, frames, why) => {
    const messages = given();
    const wrong = frames.map((frame) => messages.received(frame).wrong);
    expect(wrong.at(-1)).toEqual([why]);
    expect(wrong.slice(0, -1).flat()).toEqual([]);
  });

  it('P10: get their answer again when they come again, if that is what became of them', () => {
    const messages = given();
    for (const [id, content] of [
      ['m1', 'A'],
      ['m2', 'B'],
    ] as const)
      messages.received(message(id, content));
    expect(messages.received(message('m1', 'A'))).toEqual({ wrong: [] });
    messages.answered({ type: 'error', code: 'RATE_LIMITED', id: 'm1' });
    messages.answered({ type: 'accepted', id: 'unknown' });
    expect(messages.received(message('m1', 'A'))).toEqual({ wrong: [] });
    messages.answered({ type: 'accepted', id: 'm1', turn_id: 't' });
    const again = { type: 'accepted', id: 'm1', turn_id: 't', duplicate: true };
    expect(messages.received(message('m1', 'A'))).toEqual({ wrong: [], again });
    messages.answered({ type: 'cancelled', ids: ['m1', 'm2'] });
    for (const [id, content] of [
      ['m1', 'A'],
      ['m2', 'B'],
    ] as const)
      expect(messages.received(message(id, content)).again).toEqual({ type: 'cancelled', ids: ['m1', 'm2'] });
  });
});

describe('the story of a case', () => {
  it('numbers events over turns, counts offsets in code units, and ends a turn with its own text', () => {
    const story = new Story();
    expect(story.activeTurn).toBeUndefined();
    story.add({ type: 'turn_start', message_ids: [] });
    story.add({ type: 'chunk', content: '😀' });
    expect(story.add({ type: 'chunk', content: 'b' })).toMatchObject({
      seq: 3,
      turn_id: 'turn-1',
      offset: 2,
    });
    expect(story.activeTurn).toEqual({ turn_id: 'turn-1', started_at: 1, first_seq: 1 });
    expect(story.add({ type: 'done' })).toMatchObject({ seq: 4, full_response: '😀b', steps: 1 });
    expect(story.activeTurn).toBeUndefined();
    expect(() => story.add({ type: 'chunk', content: 'late' })).toThrow('outside of a turn');
    for (const [type, more] of [
      ['aborted', { by: 'user' }],
      ['error', { code: 'INTERNAL', message: '', terminal: true, retryable: false }],
    ] as const) {
      story.add({ type: 'turn_start', message_ids: [] });
      expect(story.add({ type: 'chunk', content: 'x' })).toMatchObject({ offset: 0 });
      expect(story.add({ type, ...more } as never)).toMatchObject({ type, ...more, full_response: 'x' });
      expect(story.activeTurn).toBeUndefined();
    }
    expect(story.activeTurn).toBeUndefined();
    expect(story.add({ type: 'turn_start', message_ids: [] })).toMatchObject({ seq: 11, turn_id: 'turn-4' });
    expect(story.activeTurn).toMatchObject({ first_seq: 11 });
  });
});

describe('a pattern', () => {
  it.each([
    [{ a: 1, b: 2 }, { a: 1 }, true],
    [{ a: { b: 1, c: 2 } }, { a: { b: 1 } }, true],
    [{ a: [1, { b: 1 }] }, { a: [1, { b: 1 }] }, true],
    [{ a: [1, { b: 1, c: 2 }] }, { a: [1, { b: 1 }] }, false],
    [{ a: 1 }, { a: undefined }, false],
    [{}, { a: undefined }, true],
    [{ a: null }, { a: {} }, false],
    [null, {}, false],
    [[], {}, false],
    ['a', 'a', true],
    ['a', 'b', false],
  ])('%j matches %j: %s', (value, pattern, isMatch) => {
    expect(matches(value, pattern)).toBe(isMatch);
  });

  it('names messages by `$name`, where that is known', () => {
    const ids = new Map([['a', 'm1']]);
    const given = { id: '$a', ids: ['$a', '$b', 'a'], other: { id: 'x$a', n: 1, none: null } };
    expect(withIds(given, ids)).toEqual({
      id: 'm1',
      ids: ['m1', '$b', 'a'],
      other: { id: 'x$a', n: 1, none: null },
    });
  });
});

it.each<[object, string | undefined, string | undefined]>([
  [{ authorization: 'bearer a.b' }, '/', 'a.b'],
  [{ authorization: 'Basic a' }, '/?token=q', 'q'],
  [{ 'sec-websocket-protocol': 'midturn.v1, bearer.p' }, '/?token=q', 'p'],
  [{ 'sec-websocket-protocol': 'midturn.v1,bearer64.c8OkLz0' }, '/', 'sä/='],
  [{ authorization: 'Bearer h', 'sec-websocket-protocol': 'bearer.p' }, '/?token=q', 'h'],
  [{ 'sec-websocket-protocol': 'bearer64.YQ, bearer.p' }, '/', 'p'],
  [{ 'sec-websocket-protocol': 'midturn.v1' }, undefined, undefined],
])('a handshake with %j at %s brings the token %s', (headers, url, token) => {
  expect(tokenOf({ headers, url } as IncomingMessage)).toBe(token);
});

describe('a wait for changes', () => {
  it('looks at once and after each change, and gives the first that it finds', async () => {
    const changes = new Changes(60_000);
    expect(
      await changes.until(
        () => 0,
        () => '',
      ),
    ).toBe(0);
    let value: number | undefined;
    let looks = 0;
    const found = changes.until(
      () => {
        looks += 1;
        return value;
      },
      () => '',
    );
    changes.happened();
    value = 7;
    changes.happened();
    expect(await found).toBe(7);
    changes.happened();
    expect(looks).toBe(3);
  });

  it('fails with what it threw, or with what is missing when its time is over', async () => {
    const fault = new Error('fault');
    const failing = new Changes(60_000).until(
      () => {
        throw fault;
      },
      () => '',
    );
    await expect(failing).rejects.toBe(fault);
    let missing = 'early';
    const late = new Changes(1).until(
      () => undefined,
      () => missing,
    );
    missing = 'late';
    await expect(late).rejects.toThrow(new Broken('late'));
  });
});

describe('an outcome', () => {
  it('is failed, skipped or missed as it says, with its words', () => {
    demand(1, 'not so');
    need('so', 'not so');
    meet({}, 'not so');
    expect(() => demand(0, 'not so')).toThrow(new Broken('not so'));
    expect(() => need('', 'not so')).toThrow(new Skipped('not so'));
    expect(() => meet(null, 'not so')).toThrow(new Missed('not so'));
    expect(verdict(new Missed('late'))).toEqual({ outcome: 'skipped', reason: 'late' });
    expect(verdict(new Skipped('none'))).toEqual({ outcome: 'skipped', reason: 'none' });
    expect(verdict(new Broken('wrong'))).toEqual({ outcome: 'failed', reason: 'wrong' });
    expect(verdict('text')).toEqual({ outcome: 'failed', reason: 'text' });
  });

  it('shows at most 160 characters of a value', () => {
    expect(brief('x'.repeat(158))).toBe(`"${'x'.repeat(158)}"`);
    expect(brief('x'.repeat(159))).toBe(`"${'x'.repeat(158)}…`);
    expect(brief(undefined)).toBe('nothing');
  });
});

it.each([
  ['{', 'wrong', 'not JSON: {'],
  ['null', 'wrong', 'no frame with a "type": null'],
  ['{"type":7}', 'wrong', 'no frame with a "type": {"type":7}'],
  ['{"type":"new"}', 'foreign', undefined],
  ['{"type":"pong"}', 'frame', undefined],
  ['{"type":"connected"}', 'wrong', /^connected\.message: .+ in \{"type":"connected"\}$/],
  ['{"type":"error","code":"INTERNAL","message":"","terminal":false,"retryable":true}', 'frame', undefined],
  // That ends a turn, so it needs more.
  [
    '{"type":"error","code":"INTERNAL","message":"","terminal":true,"retryable":true}',
    'wrong',
    /^error\.(seq|turn_id|full_response): /,
  ],
])('the text %s is read as %s', (text, kind, why) => {
  const reading = readFrame(text);
  expect(reading.kind).toBe(kind);
  if (why !== undefined) expect(reading).toMatchObject({ why: expect.stringMatching(why) });
});

describe('the rules of a run', () => {
  const scenario = (name: Scenario['name'], run: Scenario['run'] = async () => {}): Scenario => ({
    name,
    promise: 'wire',
    points: ['3.1.1'],
    says: `says ${name}`,
    run,
  });
  const watch: Rule = { ...scenario('always-e'), judge: () => {} } as never;
  const target = { url: 'ws://127.0.0.1:1', timeoutMs: 1 };

  it('run so many at a time, and each is told as soon as it is known', async () => {
    const log: string[] = [];
    const gates = new Map<string, () => void>();
    const slow = (name: Scenario['name']) =>
      scenario(name, async () => {
        log.push(`+${name}`);
        await new Promise<void>((resolve) => gates.set(name, resolve));
      });
    const run = runRules({
      target,
      rules: [slow('order-a'), slow('order-b'), slow('order-c')],
      parallel: 2,
      onResult: ({ rule }) => log.push(`-${rule.name}`),
    });
    await new Promise(setImmediate);
    expect(log).toEqual(['+order-a', '+order-b']);
    gates.get('order-b')?.();
    await new Promise(setImmediate);
    expect(log.slice(2)).toEqual(['-order-b', '+order-c']);
    for (const name of ['order-a', 'order-c']) gates.get(name)?.();
    expect((await run).map(({ rule }) => rule.name)).toEqual(['order-a', 'order-b', 'order-c']);
  });

  it('one that fails, or whose situation does not occur, is not tried again', async () => {
    for (const error of [new Broken('wrong'), new Skipped('none'), new TypeError('fault')]) {
      let tries = 0;
      const rule = scenario('order-a', async () => {
        tries += 1;
        throw error;
      });
      const [result] = await runRules({ target, rules: [rule], parallel: 1 });
      expect([result?.reason, tries]).toEqual([error.message, 1]);
    }
  });

  it('are those that are named, with all that watch; all scenarios where those alone are named', () => {
    const { judge, ...rest } = watch as Rule & { judge: unknown };
    const only = { name: rest.name, judge } as unknown as Rule;
    const rules = [scenario('order-a'), scenario('order-ab'), scenario('abort-c'), only];
    const names = (filters: string[]) => selectRules(rules, filters).map(({ name }) => name);
    expect(names([])).toEqual(rules.map(({ name }) => name));
    expect(names(['order'])).toEqual(['order-a', 'order-ab', 'always-e']);
    expect(names(['b-', 'abort', 'nothing'])).toEqual(['abort-c', 'always-e']);
    expect(names(['always'])).toEqual(['order-a', 'order-ab', 'abort-c', 'always-e']);
    expect(selectNamed(rules, []).length).toBe(4);
    expect(selectNamed(rules, ['always']).map(({ name }) => name)).toEqual(['always-e']);
    expect(() => selectNamed(rules, ['nothing', 'none'])).toThrow('No name contains nothing or none');
  });

  it('are a table and JSON with what became of each', () => {
    const result = (name: Scenario['name'], outcome: Result['outcome'], reason?: string): Result => ({
      rule: scenario(name),
      outcome,
      ...(reason !== undefined && { reason }),
      seconds: 0.12345,
    });
    const results = [result('order-a', 'passed'), result('abort-bc', 'failed', 'wrong')];
    expect(table(results).split('\n')).toEqual([
      'rule      promise  points  result  why',
      '--------  -------  ------  ------  ---',
      'order-a   wire     3.1.1   pass    says order-a',
      'abort-bc  wire     3.1.1   FAIL    wrong (says abort-bc)',
      '',
      '2 rules: 1 passed, 1 failed, 0 skipped',
    ]);
    expect(table(results, 'cases')).toContain('2 cases: 1 passed');
    const { rules, ...counts } = JSON.parse(json({ command: ['a'] }, results));
    expect(counts).toEqual({ command: ['a'], passed: 1, failed: 1, skipped: 0 });
    const common = { promise: 'wire', points: ['3.1.1'], seconds: 0.123 };
    expect(rules).toEqual([
      { ...common, name: 'order-a', group: 'order', says: 'says order-a', outcome: 'passed' },
      {
        ...common,
        name: 'abort-bc',
        group: 'abort',
        says: 'says abort-bc',
        outcome: 'failed',
        reason: 'wrong',
      },
    ]);
  });
});

describe('the command line', () => {
  const url = 'ws://a.example';
  it.each([
    [[url], { timeoutMs: 30_000 }, 4],
    [[url, '--timeout', '0.5', '--parallel', '1.5'], { timeoutMs: 500 }, 2],
    [[url, '--timeout', '3599.9', '--parallel', '3599'], { timeoutMs: 3_599_900 }, 3599],
    [[url, '--other-token', 'o', '--token', 't'], { token: 't', otherToken: 'o' }, 4],
  ])('%j', (args, target, parallel) => {
    expect(readCommand(args)).toMatchObject({ target, parallel, client: undefined });
  });

  it.each(['0', '-1', '3600', 'Infinity', 'NaN', ''])('refuses %s as a number', (value) => {
    for (const option of ['--timeout', '--parallel'])
      expect(() => readCommand([url, `${option}=${value}`])).toThrow(UsageError);
  });

  it('needs neither a URL nor a client where nothing is run', () => {
    for (const action of ['list', 'help']) expect(readCommand([`--${action}`])).toMatchObject({ action });
    expect(readCommand(['--help', '--list'])).toMatchObject({ action: 'help' });
    expect(() => readCommand(['client', '--list', 'stray'])).toThrow('behind "--": -- stray');
    expect(readCommand([url, '--filter', 'a', '--filter', 'b']).filters).toEqual(['a', 'b']);
  });
});
