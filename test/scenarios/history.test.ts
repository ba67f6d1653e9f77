import { beforeAll, describe, expect, it } from 'vitest';
import type { HistoryFrame } from '../../protocol/client-frames.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type { HistoryEntry } from '../../protocol/server-frames.ts';
import { end } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import type { WsClient } from '../support/ws-client.ts';

const stack = givenStack();

const lineOf = (entry: HistoryEntry) =>
  entry.role === 'event'
    ? `event: ${entry.event.type}`
    : `${entry.role}: ${'content' in entry ? entry.content.slice(0, 20) : entry.name}`;

async function page(client: WsClient, frame: Omit<HistoryFrame, 'type'>) {
  client.send({ type: 'history', ...frame });
  return client.next('history');
}

/** Every page, newest first, until there is no older one. */
async function allPages(client: WsClient, frame: Omit<HistoryFrame, 'type' | 'before'>) {
  const pages: HistoryEntry[][] = [];
  for (let before: number | undefined; ; ) {
    const { entries, next } = await page(client, { ...frame, ...(before !== undefined && { before }) });
    pages.push(entries);
    if (next === undefined) return pages;
    before = next;
  }
}

describe('history', () => {
  const session = 'with-three-turns';
  const whole = [
    'user: one',
    'assistant: Looking.',
    'tool_call: current_time',
    'tool_result: current_time',
    'assistant: Now.',
    'event: done',
    'user: two',
    'assistant: second',
    'event: done',
    'user: three',
    'assistant: third',
    'event: done',
  ];

  beforeAll(async () => {
    stack.script([
      { chunks: ['Looking.'], toolCalls: [{ name: 'current_time', args: {} }] },
      { chunks: ['Now.'] },
      { chunks: ['second'] },
      { chunks: ['third'] },
    ]);
    const client = await stack.connect(session);
    for (const [i, content] of ['one', 'two', 'three'].entries()) {
      client.send({ type: 'message', content });
      await end(client, i + 1);
    }
    await stack.stored.transcript(session);
  });

  it('gives the whole transcript in order, each entry once', async () => {
    const client = await stack.connect(session);
    const { entries, next } = await page(client, {});
    expect(entries.map(lineOf)).toEqual(whole);
    expect(entries.map(({ n }) => n)).toEqual(whole.map((_, i) => i + 1));
    expect(next).toBeUndefined();
  });

  it('in pages from the newest back, without gap or overlap', async () => {
    const client = await stack.connect(session);
    const pages = await allPages(client, { limit: 2 });
    expect(pages.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2, 2]);
    expect(pages.toReversed().flat().map(lineOf)).toEqual(whole);
  });

  it('merged: user messages and one assistant entry per turn, without tools; pages hold whole turns', async () => {
    const client = await stack.connect(session);
    const merged = [
      'user: one',
      'assistant: Looking.Now.',
      'user: two',
      'assistant: second',
      'user: three',
      'assistant: third',
    ];
    expect((await page(client, { merged: true })).entries.map(lineOf)).toEqual(merged);
    const pages = await allPages(client, { merged: true, limit: 3 });
    expect(pages.map(({ length }) => length)).toEqual([2, 2, 2]);
    expect(pages.toReversed().flat().map(lineOf)).toEqual(merged);
  });

  it('of a new session is empty', async () => {
    const client = await stack.connect(stack.newSession());
    expect(await page(client, {})).toEqual({ type: 'history', entries: [] });
  });

  it('pages are cut so that each fits into a frame', async () => {
    const contents = [1, 2, 3, 4, 5].map((n) => `${n} `.padEnd(20_000, 'x'));
    stack.script(() => ({ chunks: ['y'.repeat(10_000)] }));
    const large = stack.newSession();
    const client = await stack.connect(large);
    for (const [i, content] of contents.entries()) {
      client.send({ type: 'message', content });
      await end(client, i + 1);
    }
    await stack.stored.transcript(large);
    for (const merged of [false, true]) {
      const pages = await allPages(client, { merged });
      const entries = pages.toReversed().flat();
      const said = (role: string): unknown[] =>
        entries.flatMap((entry) => (entry.role === role && 'content' in entry ? [entry.content] : []));
      expect(said('user')).toEqual(contents);
      expect(said('assistant').join('')).toBe('y'.repeat(50_000));
    }
    for (const frame of client.frames) {
      expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    }
  });

  it('P4: asked for in the very moment of done, holds the whole turn', async () => {
    stack.script(() => ({ chunks: ['answer'] }));
    const client = await stack.connect(stack.newSession());
    for (let round = 1; round <= 20; round++) {
      client.send({ type: 'message', content: `question ${round}` });
      await end(client, round);
      const { entries } = await page(client, { limit: 3 });
      expect(entries.map(lineOf)).toEqual([`user: question ${round}`, 'assistant: answer', 'event: done']);
    }
  });
});
