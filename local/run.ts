import { resolve } from 'node:path';
import { stop as stopBundler } from 'esbuild';
import { SettingError } from '../config/settings/setting.ts';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from './cloud.ts';
import { closeToOthers } from './data-folder.ts';
import { LocalCloudError } from './errors.ts';

/**
 * Starts a local cloud that runs until the process is stopped, and prints its addresses when it is ready.
 * @param meanwhile is done beside the start
 */
export async function runLocalCloud(
  options: LocalCloudOptions,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<LocalCloud> {
  const [cloud] = await Promise.all([startLocalCloud(options), meanwhile()]);
  // Bundling is done for now, and the bundler's process would keep its memory.
  await stopBundler();
  if (options.dataDir) {
    // The databases give their files no mode of their own. Not before the builds: AWS Lambda has to read what they make.
    process.umask(0o077);
    await closeToOthers(resolve(options.dataDir));
  }
  const stop = () => {
    cloud.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  console.log(`midturn ready ${cloud.url} ${cloud.pageUrl}`);
  if (cloud.httpUrl) console.log(`HTTP API ${cloud.httpUrl}/api/sessions`);
  return cloud;
}

/** Ends the process with what went wrong: one line for whoever made the mistake, everything for a fault of ours. */
export function failWith(error: unknown): never {
  const expected = error instanceof SettingError || error instanceof LocalCloudError;
  console.error(expected ? error.message : error);
  process.exit(1);
}
