#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMANDS, type Command, helpText } from './commands.ts';

/** How the user called the binary, so that a command that is shown can be copied. npm says which command `npx` ran. */
const CALLED = /^['"]?midturn\b/.test(process.env.npm_lifecycle_script ?? '') ? 'npx midturn' : 'midturn';

/** The binary `midturn`: starts the program of a command in this process, with the rest of the line as its arguments. */
async function main([name, ...rest]: readonly string[]): Promise<void> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    console.log(helpText());
    return;
  }
  if (name === '--version') {
    const manifest = await readFile(join(import.meta.dirname, '..', 'package.json'), 'utf8');
    console.log(JSON.parse(manifest).version);
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
