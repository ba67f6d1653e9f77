import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cdk, clearFailedStack, type Emulator, findEmulator, run } from './emulator.ts';

/**
 * `npm run deploy:emulator`: deploys the stack to the AWS emulator at AWS_ENDPOINT_URL, with the CDK CLI that also deploys to
 * AWS. Arguments are passed on to `cdk bootstrap` and `cdk deploy`.
 */
async function main(): Promise<void> {
  const emulator = await findEmulator(process.env);
  const passedOn = process.argv.slice(2);
  const folder = await mkdtemp(join(tmpdir(), 'midturn-deploy-'));
  try {
    const outputsFile = join(folder, 'outputs.json');
    await cdk(emulator, ['bootstrap', ...passedOn]);
    await clearFailedStack(emulator);
    await cdk(emulator, [
      ...['deploy', 'Midturn', '--require-approval', 'never', '--outputs-file', outputsFile],
      // Without change sets, of which an emulator may lose one that is empty.
      ...['--method', 'direct'],
      ...passedOn,
    ]);
    report(emulator, JSON.parse(await readFile(outputsFile, 'utf8'))[emulator.stack]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function report({ endpoint }: Emulator, { Url, ApiId, StageName }: Record<string, string>): void {
  const socket = endpoint.replace(/^http/, 'ws');
  console.log(`midturn deployed ${Url}`);
  console.log('An emulator serves that under an address of its own, mostly one of:');
  console.log(`  ${socket}/_aws/execute-api/${ApiId}/${StageName}`);
  console.log(`  ${socket}/ws/${ApiId}/${StageName}`);
}

await run(main);
