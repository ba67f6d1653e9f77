import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { AssetHashType, DockerImage } from 'aws-cdk-lib/core';
import { type Environment, SettingError } from '../config/settings/setting.ts';

/** Bundles the turn function with an agent. It is a program, because a synth is synchronous and the bundler's plugins are not. */
const BUNDLER = join(import.meta.dirname, '..', 'local', `bundle-agent${extname(import.meta.filename)}`);

/**
 * The turn function's code with a team's agent in it. As for any bundled asset, its hash is that of the result, and commands of the
 * CDK that need no asset do not bundle.
 * @param agent path of the module that exports `agent`
 * @param settings of the functions, which say whether the agent has to name a model
 * @throws {SettingError} if there is no such file, or it cannot be bundled or is no agent, with what the bundler says
 */
export function agentCode(agent: string, settings: Environment): Code {
  const path = resolve(agent);
  if (!existsSync(path)) throw new SettingError(`agent is "${agent}": there is no file ${path}.`);
  return Code.fromAsset(dirname(path), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never run: the attempt on this machine succeeds, or throws.
      image: DockerImage.fromRegistry('scratch'),
      // In an app, the CDK bundles equal options of one folder once, and functions are no part of that comparison.
      command: [path, JSON.stringify(settings)],
      local: {
        tryBundle(outdir) {
          const { status, stderr, error } = spawnSync(process.execPath, [BUNDLER, path, outdir], {
            encoding: 'utf8',
            env: { ...process.env, ...settings },
          });
          if (status === 0) return true;
          throw new SettingError(`agent is "${agent}": ${error?.message ?? stderr.trim()}`);
        },
      },
    },
  });
}
