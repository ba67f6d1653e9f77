#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMANDS, type Command, helpText } from './commands.ts';

/** How the user called the binary, so that a command that is shown can be copied. npm says which command `npx` ran. */
const CALLED = /^['"]?midturn\b/.test(process.env.npm_lifecycle_script ?? '') ? 'npx midturn' : 'midturn';

interface Manifest {
  version: string;
  engines: { node: string };
}

/** Why this Node cannot run the binary: one sentence. @param range `>=22.18` */
function refusalOf(range: string, running: string): string | undefined {
  const [major = 0, minor = 0] = range.replace('>=', '').split('.').map(Number);
  const [ours = 0, least = 0] = running.split('.').map(Number);
  if (ours > major || (ours === major && least >= minor)) return undefined;
  return `midturn needs Node ${range.replace('>=', '')} or later. This is Node ${running}.`;
}

/** The binary `midturn`: starts the program of a command in this process, with the rest of the line as its arguments. */
async function main([name, ...rest]: readonly string[]): Promise<void> {
  const manifest: Manifest = JSON.parse(
    await readFile(join(import.meta.dirname, '..', 'package.json'), 'utf8'),
  );
  // Before a module is loaded that an older Node cannot read.
  const refusal = refusalOf(manifest.engines.node, process.versions.node);
  if (refusal !== undefined) {
    console.error(refusal);
    process.exitCode = 1;
    return;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    console.log(helpText());
    return;
  }
  if (name === '--version') {
    console.log(manifest.version);
    return;
  }
  const command: Command | undefined = Object.hasOwn(COMMANDS, name)
    ? COMMANDS[name as keyof typeof COMMANDS]
    : undefined;
  if (!command) {
    console.error(`There is no command ${name}.\n\n${helpText()}`);
    process.exitCode = 2;
    return;
  }
  // A program reads its arguments from `process.argv`, as where it is started by itself.
  process.argv.splice(2, process.argv.length - 2, ...(command.arguments ?? []), ...rest);
  process.env.MIDTURN_PROGRAM = `${CALLED} ${name}`;
  await command.start();
}

await main(process.argv.slice(2));
