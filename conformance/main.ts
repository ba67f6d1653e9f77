#!/usr/bin/env node
import { CASES } from './client/cases/cases.ts';
import { runCases } from './client/run.ts';
import { type Command, readCommand, selectNamed, selectRules, USAGE, UsageError } from './command.ts';
import { countOf, json, table } from './report.ts';
import type { Result } from './result.ts';
import type { Check } from './rule.ts';
import { RULES } from './rules/rules.ts';
import { runRules } from './run.ts';
import { Server } from './server.ts';

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2));
  if (command.action === 'help') {
    console.log(USAGE);
    return 0;
  }
  return command.client ? checkClient(command, command.client) : checkServer(command);
}

async function checkServer(command: Command): Promise<number> {
  const { target, parallel } = command;
  const rules = selectRules(RULES, command.filters);
  if (command.action === 'list') return list(rules);
  await demandReachable(command);
  const results = await runRules({ target, rules, parallel, onResult: progress(command) });
  console.log(command.json ? json({ url: target.url }, results) : table(results));
  return statusOf(results);
}

async function checkClient(
  { target, parallel, ...command }: Command,
  client: readonly string[],
): Promise<number> {
  const cases = selectNamed(CASES, command.filters);
  if (command.action === 'list') {
    if (command.json) console.log(JSON.stringify(cases, null, 2));
    return command.json ? 0 : list(cases);
  }
  const subject = { command: client, timeoutMs: target.timeoutMs };
  const results = await runCases({ subject, cases, parallel, onResult: progress(command) });
  console.log(command.json ? json({ command: client }, results) : table(results, 'cases'));
  return statusOf(results);
}

function list(checks: readonly Check[]): number {
  for (const { name, promise, points, says } of checks)
    console.log(`${name.padEnd(32)} ${promise.padEnd(8)} ${points.join(' ').padEnd(26)} ${says}`);
  return 0;
}

const progress =
  (command: Pick<Command, 'json'>) =>
  ({ rule, outcome }: Result): void => {
    if (!command.json && process.stderr.isTTY) process.stderr.write(`${outcome.padEnd(8)} ${rule.name}\n`);
  };

const statusOf = (results: readonly Result[]): number => (countOf(results, 'failed') > 0 ? 1 : 0);

/** Connects once before the run, so that a wrong URL gives one line and not a table of failures. */
async function demandReachable({ target }: Command): Promise<void> {
  const server = new Server(target, 'main');
  try {
    await server.connect({ session: server.newSession() });
  } catch (error) {
    throw new UsageError(
      `${target.url} cannot be reached: ${error instanceof Error ? error.message : error}`,
    );
  } finally {
    await server.tidy();
  }
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error);
    process.exitCode = 2;
  },
);
