import type { Log, LogEntry } from './log.ts';

export interface ConsoleLogOptions {
  /** Whether to show everything but metrics; else warnings and errors alone. */
  verbose: boolean;
  /** Takes one line. @default - standard error */
  write?(line: string): void;
}

/** The log for a person at a terminal: one line each, `level source: message field=value …`. */
export function consoleLog({ verbose, write = (line) => console.error(line) }: ConsoleLogOptions): Log {
  return (entry) => {
    const line = read(entry);
    if (!line || (!verbose && !LOUD.has(line.level))) return;
    const fields = Object.entries(line.fields).map(([name, value]) => `${name}=${textOf(value)}`);
    write([`${line.level} ${entry.source}:`, line.message, ...fields].join(' '));
  };
}

const LOUD = new Set(['warn', 'error', 'critical']);

interface Line {
  level: string;
  message: string;
  fields: Readonly<Record<string, unknown>>;
}

/** What the logger of the functions puts into every line, which in one process on one machine says nothing. */
const EVERYWHERE = new Set([
  'timestamp',
  'service',
  'cold_start',
  'function_arn',
  'function_memory_size',
  'function_name',
  'function_request_id',
  'sampling_rate',
  'xray_trace_id',
]);

/** Undefined for metrics, which CloudWatch would take out of the log and which no person reads. */
function read({ level, text }: LogEntry): Line | undefined {
  const structured = parse(text);
  if (!structured) return { level, message: text, fields: {} };
  if ('_aws' in structured) return undefined;
  const { level: own, message, ...rest } = structured;
  if (typeof own !== 'string' || typeof message !== 'string') return { level, message: text, fields: {} };
  const fields = Object.fromEntries(Object.entries(rest).filter(([name]) => !EVERYWHERE.has(name)));
  return { level: own.toLowerCase(), message, fields };
}

function parse(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Something that only looks like a structured line: it is shown as it is.
    return undefined;
  }
}

/** As it is where that is one word, else quoted. */
function textOf(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
