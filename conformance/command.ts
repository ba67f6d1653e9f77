import { parseArgs } from 'node:util';
import type { Rule } from './rule.ts';
import type { Target } from './server.ts';

/** How the program was started: the binary `midturn` says it, which starts several. */
const PROGRAM = process.env.MIDTURN_PROGRAM ?? 'midturn-conformance';

export const USAGE = `Usage: ${PROGRAM} <ws://… or wss://…> [options]

Checks a server against the points of the protocol midturn.v1 that can be observed from outside.

  --token <token>        sent in the Authorization header, and where a rule says so
  --other-token <token>  a token of another principal, for the rules about isolation
  --filter <text>        only rules whose name contains it; may be given again
  --parallel <n>         rules that run at the same time (default 4)
  --timeout <seconds>    how long to wait for a frame (default 30)
  --json                 the results as JSON
  --list                 prints the rules and does not run them
  --help                 this text

Exit status: 0 when no rule failed, 1 when a rule failed, 2 when the kit could not run.`;

export interface Command {
  action: 'run' | 'list' | 'help';
  target: Target;
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
  const { values, positionals } = parse(args);
  const action = values.help ? 'help' : values.list ? 'list' : 'run';
  const [url = ''] = positionals;
  if (action === 'run') checkUrl(url, positionals.length);
  return {
    action,
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
  const named = rules.filter(({ name }) => filters.some((filter) => name.includes(filter)));
  if (named.length === 0)
    throw new UsageError(`The name of no rule contains ${filters.join(' or ')}; see --list.`);
  if (named.every((rule) => 'judge' in rule))
    return rules.filter((rule) => 'run' in rule || named.includes(rule));
  return rules.filter((rule) => named.includes(rule) || 'judge' in rule);
}
