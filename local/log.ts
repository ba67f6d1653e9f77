/** A log line of a part of the local cloud. */
export interface LogEntry {
  /** `error`: a failure that an operator should see. `info`: functions' output, whatever its own level. */
  level: 'info' | 'error';
  /** The function's name, or the part of the local cloud. */
  source: string;
  text: string;
}

export type Log = (entry: LogEntry) => void;
