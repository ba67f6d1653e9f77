import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Where a local cloud in a process of its own answers, from the line `midturn ready ws://… http://…`. */
export async function readyUrl({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error('The local cloud has no standard output.');
  for await (const line of createInterface({ input: stdout })) {
    const url = /^midturn ready (ws:\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error('The local cloud ended before it was ready.');
}
