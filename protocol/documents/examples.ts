import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientFrame } from '../client-frames.ts';
import type { ServerFrame } from '../server-frames.ts';
import type { DocumentedFrame } from './json-schema.ts';

/** A part of the recorded conversation with a server: see `record.ts`. */
export interface Scene {
  name: string;
  lines: readonly Line[];
}

export type Line = { from: 'client'; frame: ClientFrame } | { from: 'server'; frame: ServerFrame };

export interface Example {
  scene: string;
  frame: ClientFrame | ServerFrame;
}

export const EXAMPLES_FILE = join(import.meta.dirname, '../../docs/protocol/examples.json');

export async function readScenes(): Promise<Scene[]> {
  return JSON.parse(await readFile(EXAMPLES_FILE, 'utf8'));
}

/** At most this many examples of one kind of frame are in the AsyncAPI document. */
const MOST = 2;

/** The first recorded frames of this kind. */
export function examplesOf(scenes: readonly Scene[], { kind, type }: DocumentedFrame): Example[] {
  const found = scenes.flatMap(({ name, lines }) =>
    lines.flatMap(({ from, frame }): Example[] => {
      if (frame.type !== type || (from === 'client') !== (kind === 'client')) return [];
      if (from === 'server' && 'seq' in frame !== (kind === 'event')) return [];
      return [{ scene: name, frame }];
    }),
  );
  return found.slice(0, MOST);
}
