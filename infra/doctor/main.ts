import { parseArgs } from 'node:util';
import { SettingError } from '../../config/settings/setting.ts';
import { commandName } from '../command-name.ts';
import { accountChecks, findStack, openAccount } from './account.ts';
import { type Check, type Finding, lineOf, runChecks } from './check.ts';
import { conversationChecks, type Target } from './conversation.ts';

/**
 * `npm run doctor` and `npm run smoke`: say whether a deployment works. `smoke` makes the first checks of the same list, those of
 * one steered answer.
 */

const USAGE = `usage: ${commandName('doctor')} <stack | wss://…> [--json] [--timeout <seconds>]
       ${commandName('smoke')} <stack | wss://…> [token]

Holds a conversation with a deployment, and looks at its stack. The client's token is in MIDTURN_TOKEN. A stack is found with the
AWS credentials and the region of the environment; its URL can be given beside it with --url, as for an emulator.
Exit status: 0 when nothing failed, 1 when a check failed, 2 when nothing could be checked.`;

interface Command {
  stack: string | undefined;
  url: string | undefined;
  token: string | undefined;
  short: boolean;
  json: boolean;
  timeoutMs: number;
}

/** @throws {SettingError} for what is no command of ours */
function readCommand(args: string[]): Command | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const [target, token = process.env.MIDTURN_TOKEN, ...more] = positionals;
  const seconds = Number(values.timeout);
  if (!target || more.length > 0 || !(seconds > 0)) throw new SettingError(USAGE);
  const isUrl = /^wss?:\/\//.test(target);
  const url = isUrl ? target : values.url;
  if (url !== undefined && !URL.canParse(url)) throw new SettingError(`"${url}" is no URL.`);
  return {
    stack: isUrl ? undefined : target,
    url,
    token: token || undefined,
    short: values.short,
    json: values.json,
    timeoutMs: seconds * 1000,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        short: { type: 'boolean', default: false },
        // A cold start, a model's first word: each takes a few seconds. All checks together take less than a minute.
        timeout: { type: 'string', default: '20' },
      },
    });
  } catch (error) {
    throw new SettingError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

async function main(): Promise<void> {
  const asked = readCommand(process.argv.slice(2));
  if (asked === 'help') {
    console.log(USAGE);
    return;
  }
  const { stack: name, url, token, short, json, timeoutMs } = asked;
  const account = openAccount();
  try {
    const stack = name === undefined ? undefined : await findStack(account, name);
    const target: Target = { url: url ?? stack?.url ?? '', token, timeoutMs };
    const conversation = conversationChecks(target);
    const checks: Check[] = short
      ? conversation.short
      : [...conversation.short, ...conversation.full, ...accountChecks(account, stack)];
    try {
      const findings = await runChecks(checks, (finding) => {
        if (!json) console.log(lineOf(finding));
      });
      conclude(findings, json);
    } finally {
      await conversation.close();
    }
  } finally {
    account.close();
  }
}

function conclude(findings: readonly Finding[], json: boolean): void {
  const failed = findings.filter(({ outcome }) => outcome === 'failed').length;
  const open = findings.filter(({ outcome }) => outcome === 'not checked').length;
  if (json) console.log(JSON.stringify({ ok: failed === 0, findings }, undefined, 2));
  else console.log(`${findings.length} checks: ${failed} failed, ${open} not made.`);
  process.exitCode = failed > 0 ? 1 : 0;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SettingError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
