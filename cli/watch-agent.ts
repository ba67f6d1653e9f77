import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { stop as stopBundler } from 'esbuild';
import { bundlerError } from '../local/agent-module.ts';
import type { LocalCloud } from '../local/cloud.ts';
import { LocalCloudError } from '../local/errors.ts';

/** Editors write a file in several steps. */
const SETTLE_MS = 50;

export interface Watching {
  /** Checks the agent's definition. @throws {LocalCloudError} */
  check(): Promise<unknown>;
  checkTypes(): Promise<void>;
  log(line: string): void;
  complain(line: string): void;
}

/** Reloads the agent of a cloud whenever a file changes that it is made of. A change that cannot be bundled leaves it as it was. */
export function watchAgent(
  cloud: Pick<LocalCloud, 'agentSources' | 'reload'>,
  { check, checkTypes, log, complain }: Watching,
): void {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  let reloading: Promise<void> = Promise.resolve();

  /** Folders, not files: an editor may replace a file by another one. */
  const follow = () => {
    const folders = new Set(cloud.agentSources().map((path) => dirname(path)));
    for (const folder of folders) {
      if (!watchers.has(folder)) watchers.set(folder, watch(folder, changed));
    }
  };
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      reloading = reloading.then(reload);
    }, SETTLE_MS);
  };
  const reload = async () => {
    try {
      await check();
      const hasChanged = await cloud.reload();
      follow();
      await stopBundler();
      if (!hasChanged) return;
      log('midturn reloaded the agent');
      await checkTypes();
    } catch (error) {
      const known = bundlerError(error);
      complain(known instanceof LocalCloudError ? known.message : String(known));
      complain('The agent stays as it was.');
    }
  };
  follow();
}
