import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readTurnSettings } from '../../config/settings/turns.ts';
import { epochMs, milliseconds } from '../../config/units.ts';
import { cases } from '../../test/support/sample.ts';
import { brokenText } from '../../test/support/text.ts';
import type { Entry } from '../events/entries.ts';
import { promptOf } from '../events/prompt.ts';
import { readTranscriptBefore } from '../events/transcript.ts';
import { asConnectionId, asMessageId, asSessionId, asTurnId } from '../ids.ts';
import { registerConnection } from '../inbound/connection-lifecycle.ts';
import { handleFrame } from '../inbound/dispatch.ts';
import type { Json } from '../json.ts';
import type { Model, ModelPart, ModelRequest, Toolbox } from '../model.ts';
import { sessionOf } from '../store/keys.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { idleToolbox } from '../testing/turn-in-memory.ts';
import type { WorkerContext } from './context.ts';
import { runJob } from './worker.ts';

const text = brokenText({ maxLength: 8 });
/** Long enough to be cut by a chunk, an entry and the limit of a tool's result, at any place in a pair. */
const longText = fc
  .tuple(fc.nat(3), fc.constantFrom(0, 2100, 9000))
  .map(([before, pairs]) => 'x'.repeat(before) + '😀'.repeat(pairs));
const anyText = fc.oneof(text, longText);

const script = fc.array(
  fc.record({
    deltas: fc.array(fc.tuple(fc.constantFrom('text' as const, 'thinking' as const), anyText), {
      maxLength: 5,
    }),
    call: fc.option(
      fc.record({
        args: text,
        output: fc.oneof(
          anyText,
          anyText.map((value) => ({ [value]: [value] })),
        ),
      }),
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

it('P3: whatever halves of characters come in, all that is stored, sent and asked of a model is well-formed, and the chunks are the entry', async () => {
  await fc.assert(
    fc.asyncProperty(text, script, async (said, steps) => {
      const { stored, posted, prompts } = await run(`${said}!`, steps);
      for (const value of [...stored, ...posted, ...prompts]) expect(halvesIn(value)).toEqual([]);
      const chunks = posted.flatMap((frame) => (frame.type === 'chunk' ? [String(frame.content)] : []));
      const entries = stored.flatMap((entry) => (entry.role === 'assistant' ? [entry.content] : []));
      expect(chunks.join('')).toBe(entries.join(''));
      const last = posted.findLast((frame) => frame.type === 'done');
      if (typeof last?.full_response === 'string') expect(last.full_response).toBe(chunks.join(''));
      // A pair that was divided between two parts is whole again.
      const told = steps
        .slice(0, prompts.length)
        .flatMap(({ deltas }) => deltas.flatMap(([type, delta]) => (type === 'text' ? delta : [])));
      expect(count(chunks.join(''), '😀')).toBeGreaterThanOrEqual(
        told.reduce((sum, delta) => sum + count(delta, '😀'), 0),
      );
    }),
    { numRuns: cases(300) },
  );
});

it('P11: what an earlier version stored with half a character in it reaches a model well-formed', () => {
  const entry: Entry = { n: 1, turn: asTurnId('old'), role: 'assistant', content: 'Great \ud83d' };
  expect(promptOf([entry])).toEqual([{ role: 'assistant', text: 'Great \ufffd', calls: [] }]);
});

const PRINCIPAL = { tenant: 't', subject: 's' };
const SESSION_ID = asSessionId('one');

type Steps = readonly {
  deltas: ['text' | 'thinking', string][];
  call: { args: string; output: Json } | null;
}[];

/** Sends one message, runs its turn by the script, and gives what was stored, posted and asked of the model. */
async function run(said: string, steps: Steps) {
  const { frames: posted, jobs, gateway, queues } = recordingPorts();
  const connection = asConnectionId('c');
  const core = memoryCore({ gateway, queues });
  await registerConnection(core, connection, { principal: PRINCIPAL, sessionId: SESSION_ID });
  const session = sessionOf(PRINCIPAL, SESSION_ID);
  const body = JSON.stringify({ type: 'message', id: asMessageId('m'), content: said });
  await handleFrame(core, { connectionId: connection, body, receivedAt: epochMs(0) });
  const prompts: ModelRequest['messages'][] = [];
  const outputs = new Map<string, Json>();
  const model: Model = {
    provider: 'test',
    name: 'scripted',
    async *stream({ messages }): AsyncGenerator<ModelPart> {
      const step = steps[prompts.length];
      prompts.push(messages);
      for (const [type, delta] of step?.deltas ?? []) yield { type, text: delta };
      const id = `call-${prompts.length}`;
      if (step?.call) {
        outputs.set(id, step.call.output);
        yield { type: 'tool_call', id, name: 'tool', args: { [step.call.args]: step.call.args } };
      }
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const toolbox: Toolbox = {
    ...idleToolbox,
    run: async ({ id }) => ({ output: outputs.get(id) ?? null, isError: false }),
  };
  const context: WorkerContext = {
    core,
    agentFor: async () => ({ model, toolbox }),
    settings: readTurnSettings({ MIDTURN_FLUSH_MS: '0' }),
    remainingMs: () => milliseconds(100_000),
    reserveMs: milliseconds(1),
    maxToolMs: milliseconds(1000),
  };
  for (const job of jobs) expect(await runJob(context, job)).toBe('over');
  const stored: Entry[] = [];
  for await (const entry of readTranscriptBefore(core, session)) stored.unshift(entry);
  return { stored, posted, prompts };
}

/** Every text in a value that is not well-formed. */
function halvesIn(value: unknown): string[] {
  if (typeof value === 'string') return value.isWellFormed() ? [] : [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [...halvesIn(name), ...halvesIn(inner)]);
}

const count = (whole: string, part: string) => whole.split(part).length - 1;
