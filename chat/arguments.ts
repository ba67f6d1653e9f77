import { parseArgs } from 'node:util';
import { shellWord } from './shell-word.ts';

export interface Arguments {
  url: string;
  token: string | undefined;
  sessionId: string | undefined;
  /** Of several, for a new conversation. */
  agent?: string | undefined;
}

/** How the program was started: the binary says it, which starts several. */
const programOf = (env: NodeJS.ProcessEnv): string => env.MIDTURN_PROGRAM ?? 'npm run chat --';

export const USAGE = `${programOf(process.env)} <ws:// or wss:// address> [--session <id>] [--agent <name>] [--token <token>]

  --session  the conversation to go on with; without it, a new one
  --agent    which of several agents a new conversation has; without it, the server chooses
  --token    who you are; MIDTURN_TOKEN in the environment keeps it out of the process list`;

/**
 * How to go on with a conversation: a command for a POSIX shell, as the program was started. It has no token, because what is
 * shown stays on the screen.
 */
export function howToGoOn({ url, token }: Arguments, sessionId: string, env: NodeJS.ProcessEnv): string {
  const command = `To go on: ${programOf(env)} ${shellWord(url)} --session ${shellWord(sessionId)}`;
  const needsToken = token !== undefined && token !== env.MIDTURN_TOKEN;
  return needsToken ? `${command}\nIt takes your token from MIDTURN_TOKEN, or with --token.` : command;
}

/** The command line is not valid. The message is one line for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): Arguments | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const [url, ...rest] = positionals;
  if (!url || rest.length > 0) throw new UsageError('One address is needed.');
  if (!/^wss?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`This is no WebSocket address: ${url}`);
  return { url, token: values.token ?? env.MIDTURN_TOKEN, sessionId: values.session, agent: values.agent };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        token: { type: 'string' },
        session: { type: 'string' },
        agent: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
