/** A line that a part of the local cloud has to say. */
export interface LogEntry {
  /** `error`: something went wrong that an operator would want to see; `info`: what functions print, whatever its own level. */
  level: 'info' | 'error';
  /** The function's name, or the part of the local cloud. */
  source: string;
  text: string;
}

export type Log = (entry: LogEntry) => void;
