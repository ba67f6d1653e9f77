#!/usr/bin/env node
import { type Command, readCommand, selectRules, USAGE, UsageError } from './command.ts';
import { countOf, json, table } from './report.ts';
import { RULES } from './rules/rules.ts';
import { runRules } from './run.ts';
import { Server } from './server.ts';

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2));
  if (command.action === 'help') {
    console.log(USAGE);
    return 0;
  }
  const rules = selectRules(RULES, command.filters);
  if (command.action === 'list') {
    for (const { name, promise, points, says } of rules)
      console.log(`${name.padEnd(32)} ${promise.padEnd(8)} ${points.join(' ').padEnd(26)} ${says}`);
    return 0;
  }
  await demandReachable(command);
  const results = await runRules({
    target: command.target,
    rules,
    parallel: command.parallel,
    onResult: ({ rule, outcome }) => {
      if (!command.json && process.stderr.isTTY) process.stderr.write(`${outcome.padEnd(8)} ${rule.name}\n`);
    },
  });
  console.log(command.json ? json(command.target.url, results) : table(results));
  return countOf(results, 'failed') > 0 ? 1 : 0;
}

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
