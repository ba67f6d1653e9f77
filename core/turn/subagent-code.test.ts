import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import { asking, failing, finish, look, text } from '../../test/support/asked-subagent.ts';
import type { LoopControl, Model, ModelPart } from '../model.ts';

/** What the code of an agent that a tool asks is told, and decides. */

describe('the code of an agent that a tool asks', () => {
  it('P13: does not run a call whose arguments are not valid: its model is told', async () => {
    const { asked, runs } = await asking([
      [{ ...look('c'), invalid: 'n: expected a text' } as ModelPart, finish()],
      [text('Yes.'), finish()],
    ]);
    expect(runs).toEqual([]);
    expect(JSON.stringify(asked[1]?.messages)).toContain('The arguments are not valid: n: expected a text');
  });

  it('says when it stops, after the results of a step, and what form its answer has', async () => {
    const seen: unknown[] = [];
    const control = (isStopped: boolean, value: string | undefined): LoopControl => ({
      async isStopped(steps, setup) {
        seen.push([
          steps.map(({ text: said, results }) => [said, results.length]),
          setup.caller.principal.subject,
        ]);
        return isStopped;
      },
      readOutput: async ({ text: said }) => (said === value ? { value } : undefined),
    });
    const steps = [
      [text('I look.'), look('c'), finish()],
      [text('Yes.'), finish()],
    ];
    const stopped = await asking(steps, { served: { control: control(true, undefined) } });
    expect([stopped.asked.length, stopped.shown]).toEqual([1, 'I look.']);
    expect(seen).toEqual([[[['I look.', 1]], 'ann']]);
    const read = await asking(steps, { served: { control: control(false, 'Yes.') } });
    expect([read.asked.length, read.shown]).toEqual([2, 'Yes.']);
    const unread = await asking(steps, { served: { control: control(false, 'No.') } });
    expect(unread.result).toMatchObject({
      is_error: true,
      output: 'The answer of the agent does not have its form.',
    });
  });

  it('prepares its calls for who asks, and its tools and models are given what it has prepared', async () => {
    const prepared: unknown[] = [];
    const { runs, asked } = await asking(
      [
        [look('c'), finish()],
        [text('Yes.'), finish()],
      ],
      {
        served: {
          preparation: {
            check: async (options) => ({ options }),
            prepare: async (caller) => {
              prepared.push(caller);
              return { tone: 'dry' };
            },
          },
        },
      },
    );
    expect(prepared).toMatchObject([{ principal: { subject: 'ann' } }]);
    expect(runs[0]?.setup.prepared).toEqual({ tone: 'dry' });
    for (const { setup } of asked) expect(setup?.prepared).toEqual({ tone: 'dry' });
  });

  it('prepares each step: it is given what was done, and which model goes on', async () => {
    const seen: unknown[] = [];
    const called: string[] = [];
    const steps = [[look('c'), finish()], [failing({ retryable: false })], [text('Yes.'), finish()]];
    const { asked, shown } = await asking([[]], {
      fallback: [[]],
      model: {
        async prepareStep(request, requestFor, isFallback) {
          seen.push([request.steps?.length, isFallback]);
          const parts = steps[seen.length - 1] ?? [];
          const model: Model = {
            provider: 'test',
            name: `named ${seen.length}`,
            async *stream({ messages }) {
              called.push(`${model.name}: ${messages.length}`);
              yield* parts;
            },
          };
          return { model, request: requestFor(model) };
        },
      },
    });
    expect([asked, shown]).toEqual([[], 'Yes.']);
    expect(seen).toEqual([
      [0, false],
      [1, false],
      [1, true],
    ]);
    expect(called).toEqual(['named 1: 1', 'named 2: 3', 'named 3: 3']);
  });

  it('P8: checks a call under the key that the tool has for it, as a call of the agent that asks', async () => {
    const keys: string[] = [];
    const { runs } = await asking(
      [
        [look('c'), finish()],
        [text('Yes.'), finish()],
      ],
      {
        served: {
          hooks: {
            limitMs: () => milliseconds(1000),
            async beforeToolCall({ id }, { idempotencyKey }) {
              keys.push(id, idempotencyKey);
              return undefined;
            },
            async afterToolCall({ id }, _outcome, { idempotencyKey }) {
              keys.push(id, idempotencyKey);
              return undefined;
            },
          },
        },
      },
    );
    const { call, key } = runs[0] ?? {};
    expect(call?.id).toMatch(/^ask-1\/[\w-]{16}$/);
    expect(keys).toEqual([call?.id, key, call?.id, key]);
  });
});
