import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../local/cloud.ts';
import { buildVariant } from '../test/conformance/variant-bundles.ts';
import { end, framesOf } from '../test/support/frames.ts';
import { connect } from '../test/support/ws-client.ts';

const folder = join(import.meta.dirname, '../dist/guide');
const guide = await readFile(join(import.meta.dirname, 'README.md'), 'utf8');

/** The blocks of code of the guide, without what they are indented by. */
const blocks = [...guide.matchAll(/^( *)```ts\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', code = '']) =>
  code
    .split('\n')
    .map((line) => line.slice(indent.length))
    .join('\n'),
);

function block(match: string | RegExp): string {
  const found = blocks.find((code) => code.search(match) >= 0);
  if (found === undefined) throw new Error(`the guide has no block with ${match}`);
  return found;
}

/** `agent/agent.ts` as it is after the guide: with a tool more. */
const agentWith = (toolImport: string, tool: string) => `
import { defineAgent } from 'midturn/agent';
import { currentTime } from './tools/current-time.ts';
${toolImport}
import { wait } from './tools/wait.ts';

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: {
    ${tool}
    current_time: { tool: currentTime, idempotent: true },
    wait: { tool: wait, idempotent: true, abortable: true },
  },
});
`;

let cloud: LocalCloud;
beforeAll(async () => {
  const files = {
    'agent/tools/roll.ts': block('// agent/tools/roll.ts'),
    'agent/agent.ts': agentWith(block(/^import \{ roll \}/), block(/^ +roll: \{/)),
  };
  const bundles = await buildVariant({ files }, folder);
  cloud = await startLocalCloud({ bundles });
});
afterAll(async () => {
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
});

/** What a person writes after the guide, and gets of the demo model. */
async function write(content: string) {
  const client = await connect(`${cloud.url}?session_id=guide`);
  client.send({ type: 'message', content });
  const done = await end(client);
  await client.close();
  return { done, results: framesOf(client, 'tool_result') };
}

test('the guide’s own tool runs on this machine as the guide says, without a model', async () => {
  const line = /^ *(use roll \{.*"times".*\})$/m.exec(guide)?.[1] ?? '';
  const { done, results } = await write(line);
  expect(results).toMatchObject([
    { name: 'roll', json: true, output: expect.stringMatching(/^\{"rolls":\[\d+,\d+,\d+\]\}$/) },
  ]);
  expect(done).toMatchObject({
    type: 'done',
    full_response: expect.stringContaining('The tool `roll` says: {"rolls":['),
  });
});

test('the guide’s own tool shows what a model is told of arguments that do not fit', async () => {
  const line = /`(use roll \{"sides": 1\})`/.exec(guide)?.[1] ?? '';
  const { results } = await write(line);
  expect(results).toMatchObject([
    {
      name: 'roll',
      is_error: true,
      output: expect.stringContaining('The arguments do not fit the tool "roll": sides: '),
    },
  ]);
});
