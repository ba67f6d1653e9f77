import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FEATURES } from '../../conformance/client/case.ts';
import { CASES } from '../../conformance/client/cases/cases.ts';
import { runCases } from '../../conformance/client/run.ts';
import { readCommand, selectNamed, UsageError } from '../../conformance/command.ts';
import { LONG_TEST_MS, WAIT_MS } from '../support/timeouts.ts';
import { buildDriver, notPassed } from './client-subject.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-kit-'));
});

afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

describe('the cases', () => {
  it('have names of their own, and say in one line what they demand', () => {
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
    for (const { name, says } of CASES) expect(says, name).toMatch(/^\S.{20,120}$/);
  });

  it('are data: they are the same after JSON, but for fields that must be missing', () => {
    for (const one of CASES) expect(JSON.parse(JSON.stringify(one)), one.name).toEqual(one);
  });

  it('need features that a client can say that it lacks', () => {
    expect(CASES.flatMap(({ needs = [] }) => needs)).toEqual(expect.arrayContaining([...FEATURES]));
  });
});

it('P1, P9, P10: this client passes every case', { timeout: LONG_TEST_MS }, async () => {
  const command = await buildDriver(join(folder, 'client.mjs'));
  const results = await runCases({ subject: { command, timeoutMs: WAIT_MS }, cases: CASES, parallel: 8 });
  expect(notPassed(results)).toEqual([]);
});

describe('a client', () => {
  const ofScript = (script: string) => [process.execPath, '-e', script];
  const outcomeOf = async (command: string[], name: string, timeoutMs: number) => {
    const cases = CASES.filter((one) => one.name === name);
    const [result] = await runCases({ subject: { command, timeoutMs }, cases, parallel: 1 });
    return [result?.outcome, result?.reason];
  };

  it('that lacks a feature is not asked for it', async () => {
    const script = `console.log('{"ready":true,"cannot":["abort"]}'); process.stdin.on('end', () => process.exit()).resume()`;
    expect(await outcomeOf(ofScript(script), 'turn-aborted', WAIT_MS)).toEqual([
      'skipped',
      'the client has no abort',
    ]);
  });

  it.each([
    ['ends', 'console.error("out of luck"); process.exit(3)', 'the client ended with 3: out of luck'],
    ['prints what is not JSON', 'console.log("hello")', 'the client printed what is not JSON: hello'],
  ])('that %s fails with that reason', async (_, script, reason) => {
    expect(await outcomeOf(ofScript(script), 'handshake-turn', WAIT_MS)).toEqual(['failed', reason]);
  });

  it('that is silent fails with that reason', async () => {
    const script = 'process.stdin.on("end", () => process.exit()).resume()';
    const reason = 'the client did not print {"ready":true}';
    expect(await outcomeOf(ofScript(script), 'handshake-turn', 500)).toEqual(['failed', reason]);
  });

  it('that cannot be started fails with that reason', async () => {
    expect(await outcomeOf([join(folder, 'none')], 'handshake-turn', WAIT_MS)).toEqual([
      'failed',
      expect.stringContaining('cannot be started'),
    ]);
  });
});

describe('the command', () => {
  it('takes the command of a client behind "--", whatever it looks like', () => {
    const command = readCommand([
      'client',
      '--filter',
      'order',
      '--',
      'python3',
      'driver.py',
      '--json',
      '--',
      'x',
    ]);
    expect(command).toMatchObject({
      action: 'run',
      client: ['python3', 'driver.py', '--json', '--', 'x'],
      filters: ['order'],
      json: false,
    });
  });

  it.each([
    [['client']],
    [['client', '--']],
    [['client', 'python3', 'driver.py']],
    [['client', '--unknown', '--', 'x']],
  ])('refuses %j', (args) => expect(() => readCommand(args)).toThrow(UsageError));

  it('lists the cases without a client', () => {
    expect(readCommand(['client', '--list'])).toMatchObject({ action: 'list', client: [] });
    expect(selectNamed(CASES, ['order-hole']).map(({ name }) => name)).toEqual([
      'order-hole',
      'order-hole-twice',
    ]);
  });
});
