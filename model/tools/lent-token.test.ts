import { tool } from 'ai';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { ANNS_SETUP, NO_FILES } from '../../core/testing/call-setup.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { toolContext } from '../agent/tool-context.ts';
import { createToolbox } from './toolbox.ts';

const TOKEN = 'a"user\\token';

const agent = defineAgent({
  tools: {
    tell: {
      forwardToken: true,
      tool: tool({
        inputSchema: z.object({ fails: z.boolean() }),
        contextSchema: toolContext,
        async *execute({ fails }, { context }) {
          const token = await context.userToken();
          context.emit('sent', { [token]: token, count: 1, isLast: false });
          yield `${token}!`;
          if (fails) throw new Error('x'.repeat(490) + token);
          yield [token];
        },
        toModelOutput: ({ output }) => ({ type: 'text', value: `It is ${output}.` }),
      }),
    },
  },
});

async function told(fails: boolean, token: string) {
  const shown: unknown[] = [];
  const outcome = await createToolbox(agent).run(
    { id: '1', name: 'tell', args: { fails } },
    {
      signal: new AbortController().signal,
      idempotencyKey: 'key',
      setup: ANNS_SETUP,
      display: { progress: (value) => shown.push(value), data: ({ data }) => shown.push(data) },
      files: NO_FILES,
      token: async () => token,
    },
  );
  return { outcome, shown };
}

it.each([false, true])(
  'a token is in nothing that a tool gives back, shows or says of its failure: %s',
  async (fails) => {
    const { outcome, shown } = await told(fails, TOKEN);
    expect(shown.slice(0, 2)).toEqual([{ '[token]': '[token]', count: 1, isLast: false }, '[token]!']);
    if (!fails)
      expect(outcome).toEqual({
        output: ['[token]'],
        isError: false,
        shown: { type: 'text', value: 'It is [token].' },
      });
    expect(JSON.stringify([outcome, shown])).not.toMatch(/user|a\\\\?"/);
  },
);

it.each(['1', 'false', ',', 'output'])(
  'what a tool gives keeps its form, however a token of a list is written: %s',
  async (token) => {
    const { outcome, shown } = await told(false, token);
    expect(outcome).toMatchObject({ output: ['[token]'], isError: false, shown: { type: 'text' } });
    expect(shown[0]).toEqual({ '[token]': '[token]', count: 1, isLast: false });
  },
);
