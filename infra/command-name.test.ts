import { afterEach, expect, it, vi } from 'vitest';
import { commandName } from './command-name.ts';

afterEach(() => void vi.unstubAllEnvs());

it.each([
  [undefined, 'npm run sessions --'],
  ['midturn sessions', 'midturn sessions'],
  ['npx midturn sessions', 'npx midturn sessions'],
  // A usage text of one command shows another one.
  ['npx midturn delete-principal', 'npx midturn sessions'],
])('a command is shown as it is called where the binary was called as %s: %s', (called, shown) => {
  vi.stubEnv('MIDTURN_PROGRAM', called);
  expect(commandName('sessions')).toBe(shown);
});
