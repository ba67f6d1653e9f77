import { parseArgs } from 'node:util';
import type { Check, Rule } from './rule.ts';
import type { Target } from './server.ts';

/** How the program was started: the binary `midturn` says it, which starts several. */
const PROGRAM = process.env.MIDTURN_PROGRAM ?? 'midturn-conformance';

export const USAGE = `Usage: ${PROGRAM} <ws://… or wss://…> [options]
       ${PROGRAM} client [options] -- <command>

Checks a server against the points of the protocol midturn.v1 that can be observed from outside. With "client": a client, which
the command starts (conformance/README.md says what it has to read and print).

  --token <token>        sent in the Authorization header, and where a rule says so
  --other-token <token>  a token of another principal, for the rules about isolation
  --filter <text>        only rules or cases whose name contains it; may be given again
  --parallel <n>         rules or cases that run at the same time (default 4)
  --timeout <seconds>    how long to wait for a frame (default 30)
  --json                 the results as JSON; with --list, the cases of a client as data
  --list                 prints the rules or cases and does not run them
  --help                 this text

Exit status: 0 when nothing failed, 1 when something failed, 2 when the kit could not run.`;

export interface Command {
  action: 'run' | 'list' | 'help';
  target: Target;
  /** The command of a client, and its arguments; undefined: a server is checked. */
  client: readonly string[] | undefined;
  filters: readonly string[];
  parallel: number;
  json: boolean;
}

/** The command line is not valid. The message is one line for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws {UsageError} */
export function readCommand(args: readonly string[]): Command {
  const isClient = args[0] === 'client';
  const { own, client } = isClient ? ofClient(args.slice(1)) : { own: args, client: undefined };
  const { values, positionals } = parse(own);
  const action = values.help ? 'help' : values.list ? 'list' : 'run';
  const [url = ''] = positionals;
  if (client) checkClient(client, positionals, action);
  else if (action === 'run') checkUrl(url, positionals.length);
  return {
    action,
    client,
    target: {
      url,
      token: values.token,
      otherToken: values['other-token'],
      timeoutMs: 1000 * positive('--timeout', values.timeout),
    },
    filters: values.filter,
    parallel: Math.ceil(positive('--parallel', values.parallel)),
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        token: { type: 'string' },
        'other-token': { type: 'string' },
        filter: { type: 'string', multiple: true, default: [] },
        parallel: { type: 'string', default: '4' },
        timeout: { type: 'string', default: '30' },
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** What stands behind `--` is the client's command, whatever it looks like. */
function ofClient(args: readonly string[]): { own: readonly string[]; client: readonly string[] } {
  const end = args.indexOf('--');
  return end < 0 ? { own: args, client: [] } : { own: args.slice(0, end), client: args.slice(end + 1) };
}

function checkClient(client: readonly string[], positionals: readonly string[], action: string): void {
  const [stray] = positionals;
  if (stray !== undefined) throw new UsageError(`Write the client's command behind "--": -- ${stray} …`);
  if (action === 'run' && client.length === 0)
    throw new UsageError('Give the command that starts the client, behind "--".');
}

function checkUrl(url: string, count: number): void {
  if (count !== 1) throw new UsageError('Give one URL: the server to test.');
  if (!/^wss?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
    throw new UsageError(`"${url}" is not a ws:// or wss:// URL.`);
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 3600))
    throw new UsageError(`${name} is "${text}": it must be a number above 0 and below 3600.`);
  return value;
}

/**
 * Selects the rules whose names contain one of the filters; without a filter all rules. Watches are always included,
 * because they check every connection of a run. If the filters name only watches, all scenarios run for them.
 */
export function selectRules(rules: readonly Rule[], filters: readonly string[]): readonly Rule[] {
  if (filters.length === 0) return rules;
  const named = selectNamed(rules, filters);
  if (named.every((rule) => 'judge' in rule))
    return rules.filter((rule) => 'run' in rule || named.includes(rule));
  return rules.filter((rule) => named.includes(rule) || 'judge' in rule);
}

/** The checks whose names contain one of the filters; without a filter all. @throws {UsageError} when there are none */
export function selectNamed<T extends Check>(checks: readonly T[], filters: readonly string[]): readonly T[] {
  if (filters.length === 0) return checks;
  const named = checks.filter(({ name }) => filters.some((filter) => name.includes(filter)));
  if (named.length === 0) throw new UsageError(`No name contains ${filters.join(' or ')}; see --list.`);
  return named;
}
