import { destroyStack, findEmulator, run } from './emulator.ts';

/** `npm run destroy:emulator`: deletes the stack from the AWS emulator at AWS_ENDPOINT_URL. What `cdk bootstrap` made stays. */
async function main(): Promise<void> {
  const emulator = await findEmulator(process.env);
  const there = await destroyStack(emulator);
  console.log(there ? `The stack ${emulator.stack} is deleted.` : `There is no stack ${emulator.stack}.`);
}

await run(main);
