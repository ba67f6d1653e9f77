import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { end, eventsOf, framesOf, schemaError } from '../support/frames.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { WaitingPlaces } from '../support/waiting-places.ts';
import { killWorker } from '../support/workers.ts';
import type { WsClient } from '../support/ws-client.ts';

const folder = join(import.meta.dirname, '../../dist/tool-progress');

/** Its tools wait at places that the test opens, and say where they are. */
const agent = (url: string) => `
import { tool } from 'ai';
import { defineAgent, toolContextWith } from 'midturn/agent';
import { z } from 'zod';

const reach = (place: string, signal?: AbortSignal) => fetch('${url}/' + place, { signal });

const report = tool({
  description: 'Writes a report.',
  inputSchema: z.object({ name: z.string() }),
  contextSchema: toolContextWith<{ chart: { rows: number[] }; note: string }>(),
  async *execute({ name }, { abortSignal, context }) {
    try {
      yield { percent: 10, doing: 'Lesen – 読む' };
      context.emit('chart', { rows: [1] }, { id: 'sales' });
      context.emit('note', 'begun');
      await reach(name + '-1', abortSignal);
      yield { percent: 60, doing: 'Écrire' };
      context.emit('chart', { rows: [1, 2] }, { id: 'sales' });
      await reach(name + '-2', abortSignal);
      yield { percent: 100 };
    } finally {
      await reach(name + '-closed');
    }
  },
});

const flood = tool({
  description: 'Shows very much.',
  inputSchema: z.object({ times: z.number() }),
  async *execute({ times }) {
    for (let n = 1; n <= times; n++) {
      yield n;
      await new Promise(setImmediate);
    }
  },
});

const large = tool({
  description: 'Shows and sends texts of this length.',
  inputSchema: z.object({ text: z.string(), times: z.number() }),
  contextSchema: toolContextWith<{ text: string }>(),
  async *execute({ text, times }, { context }) {
    context.emit('text', text.repeat(times));
    yield text.repeat(times);
    await new Promise(setImmediate);
    yield 'sent';
  },
});

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: {
    report: { tool: report, idempotent: true, abortable: true },
    flood: { tool: flood },
    large: { tool: large },
  },
});
`;

const shownBy = (client: WsClient) =>
  eventsOf(client).flatMap((event): unknown[] => {
    if (event.type === 'tool_progress')
      return [[event.json ? JSON.parse(event.output) : event.output, ...(event.restarted ? ['again'] : [])]];
    if (event.type === 'data') return [[event.name, event.id, event.data]];
    return event.type === 'tool_result' ? ['result'] : [];
  });

const HALF = [
  [{ percent: 10, doing: 'Lesen – 読む' }],
  ['chart', 'sales', { rows: [1] }],
  ['note', 'c1/1', 'begun'],
];
const REST = [[{ percent: 60, doing: 'Écrire' }], ['chart', 'sales', { rows: [1, 2] }]];

describe('what a tool shows while it runs', () => {
  const places = new WaitingPlaces();
  let stack: Stack;
  let sessions = 0;
  beforeAll(async () => {
    const url = await places.listen();
    stack = await startStack({
      settings: { MIDTURN_VISIBILITY_SECONDS: '2' },
      bundles: () => buildVariant({ files: { 'agent/agent.ts': agent(url) } }, folder),
    });
  });
  afterAll(async () => {
    await stack.settleClients();
    await stack.close();
    await places.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  async function call(name: string, args: object) {
    const scripted = stack.model.script([{ toolCalls: [{ id: 'c1', name, args }] }, { chunks: ['So.'] }]);
    const session = `shown-${++sessions}`;
    const client = await stack.connect(session);
    client.send({ type: 'connect' });
    await client.next('connected');
    client.send({ type: 'message', content: 'first' });
    return { client, scripted, session };
  }

  /** Its first data is there: what it showed before is there too. */
  const halfShown = (client: WsClient) =>
    client.waitFor((frame) => frame.type === 'data' && frame.name === 'note');

  it('P4 P9 P11: is stored and sent in its order, replayed after a reconnect, and no model sees it', async () => {
    const { client, scripted, session } = await call('report', { name: 'plain' });
    await halfShown(client);
    expect(shownBy(client)).toEqual(HALF);
    await client.terminate();
    await places.open('plain-1');
    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { after_seq: 0 } });
    await places.wait('plain-2');
    await back.waitFor((frame) => frame.type === 'data' && JSON.stringify(frame.data) === '{"rows":[1,2]}');
    await places.open('plain-2');
    expect(await end(back)).toMatchObject({ type: 'done', full_response: 'So.' });
    const shown = shownBy(back);
    // The last value is the result, and may have been shown before it.
    expect(shown.filter((one) => JSON.stringify(one) !== '[{"percent":100}]')).toEqual([
      ...HALF,
      ...REST,
      'result',
    ]);
    expect(framesOf(back, 'tool_result')).toMatchObject([{ output: '{"percent":100}', json: true }]);
    back.send({ type: 'history' });
    const { entries } = await back.next('history');
    const kept = entries.flatMap((entry) =>
      entry.role === 'event' && entry.event.type === 'data' ? [entry.event] : [],
    );
    expect(kept).toEqual(eventsOf(back).filter(({ type }) => type === 'data'));
    expect(JSON.stringify(entries)).not.toContain('tool_progress');
    const prompt = JSON.stringify(scripted.requests[1]?.body.messages);
    expect(prompt).toContain('percent');
    for (const unseen of ['rows', 'begun', 'Lesen', 'Écrire']) expect(prompt).not.toContain(unseen);
    for (const frame of back.frames) expect(schemaError(frame)).toBeUndefined();
  });

  it('P8 P13: begins anew where another worker runs the call again, which the first value says', async () => {
    const { client } = await call('report', { name: 'killed' });
    await halfShown(client);
    await places.wait('killed-1');
    await killWorker(stack.cloud);
    await places.open('killed-1', 2);
    await places.open('killed-2');
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'So.' });
    const [begin, ...others] = HALF;
    const shown = shownBy(client).filter((one) => JSON.stringify(one) !== '[{"percent":100}]');
    // The second run sends the same parts again.
    expect(shown).toEqual([...HALF, [...(begin ?? []), 'again'], ...others, ...REST, 'result']);
  });

  it('P13 P14: ends with the turn that is stopped, and the tool’s `finally` runs', async () => {
    const { client } = await call('report', { name: 'stopped' });
    await halfShown(client);
    await places.wait('stopped-1');
    client.send({ type: 'abort' });
    expect(await end(client)).toMatchObject({ type: 'aborted' });
    await places.wait('stopped-closed');
    expect(shownBy(client)).toEqual([...HALF, 'result']);
  });

  it('is gathered: a tool that shows 3,000 values costs a few events, and its result is whole', async () => {
    const { client } = await call('flood', { times: 3000 });
    expect(await end(client)).toMatchObject({ type: 'done' });
    expect(framesOf(client, 'tool_result')).toMatchObject([{ output: '3000' }]);
    const shown = framesOf(client, 'tool_progress').map(({ output }) => Number(output));
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.length).toBeLessThan(300);
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
  });

  it.each([
    ['x', 16_382],
    ['€', 5460],
    ['😀', 4095],
    ['\u0001', 2730],
  ])(
    'P3: fits into a frame, whatever its characters: %j × %i; a longer one is refused or cut',
    async (text, times) => {
      for (const [more, isTooLong] of [
        [0, false],
        [40, true],
      ] as const) {
        const { client } = await call('large', { text, times: times + more });
        expect(await end(client)).toMatchObject({ type: 'done' });
        const [result] = framesOf(client, 'tool_result');
        if (isTooLong)
          expect(result).toMatchObject({ is_error: true, output: expect.stringContaining('At most 16384') });
        else {
          expect(framesOf(client, 'data')).toMatchObject([{ name: 'text', data: text.repeat(times) }]);
          expect(result).toMatchObject({ output: 'sent' });
        }
        for (const frame of client.frames) {
          expect(schemaError(frame)).toBeUndefined();
          expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(MAX_FRAME_BYTES);
        }
      }
    },
  );
});
