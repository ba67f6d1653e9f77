import type { Log, LogEntry } from './log.ts';

export interface ConsoleLogOptions {
  /** Whether to show everything except metrics. Otherwise only warnings and errors. */
  verbose: boolean;
  /** Prints one line. @default - standard error */
  write?(line: string): void;
}

/** A log for a terminal: one line each, `level source: message field=value …`. */
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

/** Fields that the functions' logger adds to every line. On one machine they are always the same. */
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

/** Returns undefined for metrics, which CloudWatch would remove from the log. */
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
    // No structured line after all: show it unchanged.
    return undefined;
  }
}

/** Quotes a text that is more than one word. */
function textOf(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
