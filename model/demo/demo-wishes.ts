import type { Json } from '../../core/json.ts';

/** A tool call that a message asks for. */
export interface Wish {
  tool: string;
  args: Json;
  /** The text that announces the call. */
  announcement: string;
  /** The message names the tool, so the user is told if it cannot be called. */
  byName: boolean;
  /** Why the call cannot be made with any tools. */
  problem?: string;
}

/** The limit of the sample tool `wait`. */
const MAX_WAIT_SECONDS = 10;
/** Below the default limit of 16 steps, so that the demo always finishes its answer. */
export const MAX_WISHES = 12;

/** A line like `use weather {"city": "Bern"}`. It tries an own tool without a real model. */
const USE = /^\s*use\s+`?([A-Za-z0-9_-]{1,64})`?(?:\s+with)?\s*(\{.*\})?\s*$/i;

const FREELY = new RegExp(
  [
    /\bwait\w*\b[^.;\d]*?(\d+(?:\.\d+)?)\s*(?:s|secs?|seconds?)\b/,
    /\bwhat time\b|\btime is it\b|\bcurrent time\b|\b(?:the|today's) date\b|\bclock\b/,
    // "by the time that …" is no request.
    /(?<!\b(?:by|at|all|of|from|until|during) )\bthe time\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gi',
);

/**
 * Returns the tool calls that a message asks for, in its order. `tools` are the known names, which distinguish `use
 * name` from prose.
 */
export function wishesOf(content: string, tools: readonly string[]): Wish[] {
  return content.split('\n').flatMap((line) => {
    const [, tool, args] = USE.exec(line) ?? [];
    if (tool !== undefined && (args !== undefined || tools.includes(tool)))
      return [byName(tool, args ?? '{}')];
    return [...line.matchAll(FREELY)].flatMap(([, seconds]) =>
      seconds === undefined
        ? [freely('current_time', {}, 'Let me look at the clock.')]
        : waits(Number(seconds)),
    );
  });
}

function byName(tool: string, text: string): Wish {
  const wish = { tool, announcement: `I will use \`${tool}\`.`, byName: true };
  try {
    return { ...wish, args: JSON.parse(text) };
  } catch {
    return {
      ...wish,
      args: {},
      problem: `What stands behind \`use ${tool}\` is not JSON, so I could not call it.`,
    };
  }
}

const freely = (tool: string, args: Json, announcement: string): Wish => ({
  tool,
  args,
  announcement,
  byName: false,
});

/** Splits a wait into several calls, each within the tool's limit. */
function waits(seconds: number): Wish[] {
  const full = Math.min(Math.floor(seconds / MAX_WAIT_SECONDS), MAX_WISHES);
  const rest = seconds - full * MAX_WAIT_SECONDS;
  const parts = Array.from({ length: full }, () => MAX_WAIT_SECONDS);
  if ((rest > 0 || full === 0) && full < MAX_WISHES) parts.push(rest);
  return parts.map((part) => freely('wait', { seconds: part }, `I will wait ${inSeconds(part)}.`));
}

export function inSeconds(seconds: number): string {
  return seconds === 1 ? '1 second' : `${seconds} seconds`;
}
