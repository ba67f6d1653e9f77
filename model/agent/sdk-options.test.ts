import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defineAgent } from './define-agent.ts';
import { SDK_OPTIONS } from './sdk-options.ts';

const agent = { instructions: 'Be brief.', tools: {} };
const rows = Object.entries(SDK_OPTIONS);
const refused = rows.flatMap(([option, [how, why]]) => (how === 'cannot' ? [[option, why] as const] : []));

test.each(refused)('an agent with %s is refused, and the error says why', (option, why) => {
  const define = () => defineAgent({ ...agent, [option]: {} } as never);
  expect(define).toThrow(`The option ${option} has no effect here. ${why}`);
  expect(define).toThrow(expect.objectContaining({ code: 'OPTION_UNSUPPORTED' }));
  // Not chosen is not there.
  expect(() => defineAgent({ ...agent, [option]: undefined } as never)).not.toThrow();
});

test('an option that nobody knows is refused', () => {
  expect(() => defineAgent({ ...agent, temprature: 1 } as never)).toThrow('There is no option temprature.');
});

test('docs/agent.md has each option of the AI SDK’s agents, with what becomes of it', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/agent.md'), 'utf8');
  const words = { works: 'works', differs: 'works, with a difference', cannot: 'cannot' };
  const table = rows.map(
    ([option, [how, sentence = '']]) => `| \`${option}\` | ${words[how]} | ${sentence} |`,
  );
  expect(page.split('\n').filter((line) => line.startsWith('| `'))).toEqual(table);
});
