import { tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AgentDefinition } from './agent-definition.ts';
import { defineAgent } from './define-agent.ts';
import { defineAgents } from './define-agents.ts';

const run = tool({ inputSchema: z.object({}), execute: () => 'ok' });
const model = { specificationVersion: 'v4', provider: 'house', modelId: 'm', doStream: () => {} };

/** The code of the error that an agent with these options is refused with. Undefined: it is taken. */
function refusal(define: () => unknown): string | undefined {
  try {
    define();
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ name: 'AgentDefinitionError' });
    return (error as { code: string }).code;
  }
}
const options = (given: object) => () => defineAgent(given as Partial<AgentDefinition>);
const named = (length: number) => 'n'.repeat(length);
const server = (more: object, name = 'books') =>
  options({ mcp: { [name]: { url: 'https://a.test', ...more } } });
const hook = (name: string, timeoutSeconds: unknown) =>
  options({ hooks: { [name]: { run: () => {}, timeoutSeconds } } });
const prices = (more: object, currency = 'USD') =>
  options({ prices: { currency, perMillionTokens: { m: { input: 0, output: 0, ...more } } } });
const provided = {
  type: 'provider',
  id: 'house.search',
  isProviderExecuted: true,
  inputSchema: z.object({}),
  args: {},
};

describe('an agent’s definition', () => {
  it.each<[string, string, (() => unknown)[], (() => unknown)[]]>([
    [
      'names of tools',
      'TOOL_INVALID',
      [options({ tools: { [named(1)]: run } }), options({ tools: { [named(64)]: run, 'a_B-9': run } })],
      [
        options({ tools: { [named(65)]: run } }),
        options({ tools: { '': run } }),
        options({ tools: { 'a.b': run } }),
        options({ tools: { é: run } }),
      ],
    ],
    [
      'names of MCP servers',
      'MCP_INVALID',
      [server({}, named(1)), server({}, named(32)), server({}, 'a-B-9')],
      [server({}, named(33)), server({}, ''), server({}, 'a_b'), server({}, 'é')],
    ],
    [
      'addresses of MCP servers',
      'MCP_INVALID',
      [server({ url: 'http://127.0.0.1:1/mcp' }), server({ url: 'http://localhost/mcp' })],
      [server({ url: 'http://a.test' }), server({ url: 'a.test' }), server({ url: '' })],
    ],
    [
      'seconds to connect',
      'MCP_INVALID',
      [server({ connectSeconds: 0.001 }), server({ connectSeconds: 30 })],
      [0, -1, 30.001, Number.NaN].map((connectSeconds) => server({ connectSeconds })),
    ],
    [
      'seconds of calls of a server',
      'MCP_INVALID',
      [server({ timeoutSeconds: 0.001 }), server({ timeoutSeconds: 900 })],
      [0, 900.001, Number.NaN].map((timeoutSeconds) => server({ timeoutSeconds })),
    ],
    [
      'seconds of calls',
      'TOOL_INVALID',
      [0.001, 900].map((timeoutSeconds) => options({ tools: { run: { tool: run, timeoutSeconds } } })),
      [0, 900.001].map((timeoutSeconds) => options({ tools: { run: { tool: run, timeoutSeconds } } })),
    ],
    [
      'calls at the same time',
      'TOOL_INVALID',
      [1, 100].map((toolCallConcurrency) => options({ toolCallConcurrency })),
      [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY].map((toolCallConcurrency) =>
        options({ toolCallConcurrency }),
      ),
    ],
    [
      'seconds of hooks',
      'HOOKS_INVALID',
      [
        hook('beforeTurn', 0.001),
        hook('beforeTurn', 10),
        hook('afterTurn', 300),
        options({ hooks: { afterStep: undefined } }),
      ],
      [
        hook('beforeTurn', 10.001),
        hook('beforeTurn', 0),
        hook('afterTurn', 300.001),
        hook('afterTurn', 0),
        hook('afterStep', '5'),
        options({ hooks: { afterStep: null } }),
      ],
    ],
    [
      'writers of summaries',
      'COMPACTION_INVALID',
      [{}, { maxOutputTokens: 1 }, { instructions: 'Be brief.' }, { model }, { model: () => 'm' }].map(
        (compaction) => options({ compaction }),
      ),
      [
        { maxOutputTokens: 0 },
        { maxOutputTokens: 1.5 },
        { instructions: ' \n' },
        { instructions: 7 },
        { model: 7 },
        { model: '' },
        { temperature: 0 },
      ].map((compaction) => options({ compaction })),
    ],
    [
      'writers of titles',
      'TITLES_INVALID',
      [options({ titles: {} }), options({ titles: { maxOutputTokens: 1 } })],
      [{ maxOutputTokens: 0 }, { instructions: '' }, { tools: {} }].map((titles) => options({ titles })),
    ],
    [
      'prices',
      'PRICES_INVALID',
      [prices({}), prices({ cacheRead: 0, cacheWrite: 0.1 })],
      [
        prices({ input: -0.1 }),
        prices({ output: Number.NaN }),
        prices({ cacheRead: Number.POSITIVE_INFINITY }),
        prices({ output: undefined }),
        prices({}, 'usd'),
        prices({}, 'USDT'),
        prices({}, 'US'),
      ],
    ],
    [
      'models',
      'MODEL_UNSUPPORTED',
      [options({ model, fallbackModel: 'house/m' })],
      [
        { model: '' },
        { model: null },
        { fallbackModel: { ...model, specificationVersion: 'v1' } },
        { model: { ...model, specificationVersion: undefined } },
        { model: { ...model, provider: undefined } },
        { model: { ...model, modelId: 7 } },
        { model: { ...model, doStream: undefined } },
      ].map(options),
    ],
    [
      'what a client or a provider runs',
      'TOOL_INVALID',
      [
        options({
          tools: { ask: { tool: { inputSchema: z.object({}) }, needsApproval: true, timeoutSeconds: 5 } },
        }),
        options({ tools: { search: { tool: provided } } }),
      ],
      [
        ...['idempotent', 'abortable', 'forwardToken'].map((policy) =>
          options({ tools: { ask: { tool: { inputSchema: z.object({}) }, [policy]: true } } }),
        ),
        ...['needsApproval', 'always', 'idempotent', 'abortable', 'forwardToken', 'timeoutSeconds'].map(
          (policy) => options({ tools: { search: { tool: provided, [policy]: 1 } } }),
        ),
      ],
    ],
    [
      'rules for approval',
      'TOOL_INVALID',
      [
        options({ tools: { run }, toolApproval: { run: 'denied' } }),
        options({ mcp: { books: { url: 'https://a.test' } }, toolApproval: { books_any: 'denied' } }),
      ],
      [
        options({ tools: { run }, toolApproval: { runs: 'denied' } }),
        options({ toolApproval: { toString: 'denied' } }),
      ],
    ],
    [
      'names of agents',
      'AGENTS_INVALID',
      [named(1), named(64)].map((name) => () => defineAgents({ [name]: defineAgent({}) })),
      [named(65), '', 'a b'].map((name) => () => defineAgents({ [name]: defineAgent({}) })),
    ],
  ])('takes %s at the limits, and refuses them beyond with %s', (_what, code, taken, refused) => {
    expect(taken.map(refusal)).toEqual(taken.map(() => undefined));
    expect(refused.map(refusal)).toEqual(refused.map(() => code));
  });
});
