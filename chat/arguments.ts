import { parseArgs } from 'node:util';

export interface Arguments {
  url: string;
  token: string | undefined;
  sessionId: string | undefined;
}

export const USAGE = `npm run chat -- <ws:// or wss:// address> [--session <id>] [--token <token>]

  --session  the conversation to go on with; without it, a new one
  --token    who you are; MIDTURN_TOKEN in the environment keeps it out of the process list`;

/** The command line is not valid. The message is one line for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): Arguments {
  const { values, positionals } = parse(args);
  const [url, ...rest] = positionals;
  if (!url || rest.length > 0) throw new UsageError('One address is needed.');
  if (!/^wss?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`This is no WebSocket address: ${url}`);
  return { url, token: values.token ?? env.MIDTURN_TOKEN, sessionId: values.session };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { token: { type: 'string' }, session: { type: 'string' } },
    });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
