import { parseArgs } from 'node:util';
import type { Rule } from './rule.ts';
import type { Target } from './server.ts';

export const USAGE = `Usage: midturn-conformance <ws://… or wss://…> [options]

Runs the observable rules of the protocol midturn.v1 against a server.

  --token <token>        sent in the Authorization header, and where a rule says so
  --other-token <token>  of another principal, for the rule about isolation
  --filter <text>        only rules whose name contains it; may be given again
  --parallel <n>         rules at a time (default 4)
  --patience <seconds>   how long a frame is waited for (default 30)
  --json                 the results as JSON
  --list                 the rules, without running them
  --help                 this text

Exit status: 0 when no rule failed, 1 when one did, 2 when the kit could not be run.`;

export interface Command {
  action: 'run' | 'list' | 'help';
  target: Target;
  filters: readonly string[];
  parallel: number;
  json: boolean;
}

/** What was typed is not what can be run. */
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
      patienceMs: 1000 * positive('--patience', values.patience),
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
        patience: { type: 'string', default: '30' },
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
  if (count !== 1) throw new UsageError('Give the one URL of the server to test.');
  if (!/^wss?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
    throw new UsageError(`"${url}" is no ws:// or wss:// URL.`);
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 3600))
    throw new UsageError(`${name} is "${text}": it must be a number above 0.`);
  return value;
}

/**
 * The rules whose names contain one of these; all without any. Rules over everything come along, since they judge
 * whatever was run, unless they are what was asked for: then everything is run for them.
 */
export function selectRules(rules: readonly Rule[], filters: readonly string[]): readonly Rule[] {
  if (filters.length === 0) return rules;
  const named = rules.filter(({ name }) => filters.some((filter) => name.includes(filter)));
  if (named.length === 0) throw new UsageError(`No rule is called ${filters.join(' or ')}; see --list.`);
  if (named.every((rule) => 'judge' in rule))
    return rules.filter((rule) => 'run' in rule || named.includes(rule));
  return rules.filter((rule) => named.includes(rule) || 'judge' in rule);
}
