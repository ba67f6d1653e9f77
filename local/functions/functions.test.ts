import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { createAccess } from '../aws/access.ts';
import { arnOf, stackOf } from '../aws/fixtures.ts';
import { readRoles } from '../aws/roles.ts';
import type { LogEntry } from '../log.ts';
import type { Value } from '../template/template.ts';
import { createLocalFunctions } from './functions.ts';

type Properties = { readonly [name: string]: Value };

const LOGS = { Effect: 'Allow', Action: 'logs:*', Resource: '*' };

/** The function `Worker`, in a folder with these files. */
async function given(
  properties: Properties = {},
  {
    files = { 'index.mjs': 'export const handler = async (event) => event;' },
    folderName = 'asset.abc',
    maxEnvironments = 64,
  }: { files?: Readonly<Record<string, string>>; folderName?: string; maxEnvironments?: number } = {},
) {
  const folder = join(temporaryFolder(), folderName);
  await mkdir(folder);
  for (const [name, source] of Object.entries(files)) await writeFile(join(folder, name), source);
  const Properties = { Handler: 'index.handler', Role: arnOf('WorkerRole'), ...properties };
  const Metadata = { 'aws:asset:path': folder };
  const stack = stackOf([LOGS], { Worker: { Type: 'AWS::Lambda::Function', Properties, Metadata } });
  const logged: LogEntry[] = [];
  const functions = await createLocalFunctions({
    stack,
    endpoints: { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' },
    access: createAccess(readRoles(stack), () => {}),
    traces: { daemon: '127.0.0.1:2000', header: () => 'Root=1' },
    maxEnvironments,
    log: (entry) => logged.push(entry),
  });
  onTestFinished(() => functions.close());
  const worker = stack.withId('Worker');
  return { functions, logged, worker, folder, stack, pool: functions.pool(worker) };
}

describe('a function of a template', () => {
  it('has what Lambda gives to one that says nothing', async () => {
    const { pool, folder } = await given();
    expect(pool.spec).toMatchObject({
      name: 'Worker',
      functionName: 'Midturn-Worker',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:Midturn-Worker',
      exportName: 'handler',
      memoryMb: 128,
      timeoutSeconds: 3,
      logGroupName: '/aws/lambda/Midturn-Worker',
    });
    expect(fileURLToPath(pool.spec.bundle)).toBe(join(folder, 'index.mjs'));
    expect(pool.spec).not.toHaveProperty('trace');
    expect(pool.spec.variables).toEqual({
      _HANDLER: 'index.handler',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_NAME: 'Midturn-Worker',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/Midturn-Worker',
      LAMBDA_TASK_ROOT: folder,
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      AWS_ACCESS_KEY_ID: expect.any(String),
      AWS_SECRET_ACCESS_KEY: expect.any(String),
      AWS_SESSION_TOKEN: 'local',
      AWS_CONFIG_FILE: `${folder}/no-aws-config`,
      AWS_SHARED_CREDENTIALS_FILE: `${folder}/no-aws-credentials`,
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    });
  });

  it('has what its template says', async () => {
    const Variables = { TEXT: 'a', NUMBER: 5, FLAG: true, AWS_ENDPOINT_URL: 'http://mine' };
    const { pool } = await given({
      MemorySize: 512,
      Timeout: 40,
      ReservedConcurrentExecutions: 7,
      LoggingConfig: { LogGroup: 'mine' },
      TracingConfig: { Mode: 'Active' },
      Environment: { Variables },
    });
    expect(pool.spec).toMatchObject({ memoryMb: 512, timeoutSeconds: 40, logGroupName: 'mine' });
    expect(pool.spec.variables).toMatchObject({
      TEXT: 'a',
      NUMBER: '5',
      FLAG: 'true',
      AWS_ENDPOINT_URL: 'http://mine',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: 'mine',
      AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000',
    });
    expect(pool.spec.trace?.()).toBe('Root=1');
    expect(pool.concurrency).toBe(7);
    const untraced = await given({ TracingConfig: { Mode: 'PassThrough' } });
    expect(untraced.pool.spec).not.toHaveProperty('trace');
    expect(untraced.pool.spec.variables).not.toHaveProperty('AWS_XRAY_DAEMON_ADDRESS');
  });

  it.each([
    [['a.b.js', 'a.b.mjs', 'a.b.cjs'], 'a.b.js'],
    [['a.b.mjs', 'a.b.cjs'], 'a.b.mjs'],
    [['a.b.cjs'], 'a.b.cjs'],
    [[], 'a.b.mjs'],
  ])('has its handler in the first of the files that Lambda looks for: of %j in %s', async (names, found) => {
    const files = Object.fromEntries(names.map((name) => [name, '']));
    const { pool, folder } = await given({ Handler: 'a.b.run' }, { files });
    expect([fileURLToPath(pool.spec.bundle), pool.spec.exportName]).toEqual([join(folder, found), 'run']);
  });

  it('is called by its folder where it is one of ours, and else by its logical id', async () => {
    expect((await given({}, { folderName: 'turn' })).functions.list()).toEqual([
      { name: 'turn', environments: [] },
    ]);
    expect((await given({}, { folderName: 'turns' })).functions.list()).toEqual([
      { name: 'Worker', environments: [] },
    ]);
  });

  const FEW = 4 * availableParallelism();
  it.each([
    [30, 1000, FEW],
    [31, 1000, 1000],
    [30, FEW - 1, FEW - 1],
  ])(
    'of %i s may have few environments where its invocations are short: of %i, %i',
    async (Timeout, maxEnvironments, expected) => {
      expect((await given({ Timeout }, { maxEnvironments })).pool.concurrency).toBe(expected);
    },
  );

  it.each<[Value]>([[{ a: 'b' }], [['a']], [null]])('with the variable %j is refused', async (X) => {
    const refused = given({ Environment: { Variables: { X } } });
    await expect(refused).rejects.toThrow('Worker: variable X is not a string');
  });

  it.each([{}, { 'aws:asset:path': 'asset.abc' }])('with the metadata %j is refused', async (Metadata) => {
    const Properties = { Handler: 'index.handler', Role: arnOf('WorkerRole') };
    const stack = stackOf([LOGS], { Worker: { Type: 'AWS::Lambda::Function', Properties, Metadata } });
    const refused = createLocalFunctions({
      stack,
      endpoints: {},
      access: createAccess(readRoles(stack), () => {}),
      traces: { daemon: '', header: () => undefined },
      maxEnvironments: 1,
      log: () => {},
    });
    await expect(refused).rejects.toThrow('Worker: the template does not say where its code is');
  });

  it('is the caller of its requests, by a key of its own', async () => {
    const { functions, pool, worker } = await given();
    const { AWS_ACCESS_KEY_ID: id = '', AWS_SECRET_ACCESS_KEY: secretAccessKey } = pool.spec.variables;
    const caller = functions.caller(worker);
    expect(functions.holderOf(id)).toEqual({ caller, secretAccessKey });
    expect(caller).toMatchObject({ name: 'Worker', role: 'WorkerRole' });
    expect(functions.holderOf('other')).toBeUndefined();
    const other = await given();
    expect(other.pool.spec.variables.AWS_ACCESS_KEY_ID).not.toBe(id);
  });
});

describe('the functions of a template', () => {
  it('are invoked by their names, which is told to whoever listens until they stop', async () => {
    const { functions, worker } = await given({ MemorySize: 256, TracingConfig: { Mode: 'Active' } });
    const heard: unknown[] = [];
    const stop = functions.onInvocation((invocation) => heard.push(invocation));
    expect(await functions.invoke('Worker', { a: 'é' })).toEqual({ a: 'é' });
    expect(heard).toEqual([{ function: 'Worker', ms: expect.any(Number), memoryMb: 256, traced: true }]);
    stop();
    await functions.invoke('Worker', {});
    expect(heard).toHaveLength(1);
    expect(functions.list()).toEqual([
      { name: 'Worker', environments: [{ id: expect.any(String), state: 'idle' }] },
    ]);
    const [environment] = functions.pool(worker).environments();
    expect(await functions.kill('other')).toBe(false);
    expect(await functions.kill(environment?.id ?? '')).toBe(true);
    await expect.poll(() => functions.list()).toEqual([{ name: 'Worker', environments: [] }]);
  });

  it('have no others', async () => {
    const { functions, stack } = await given();
    await expect(functions.invoke('other', {})).rejects.toThrow('There is no function other.');
    await functions.renew('other');
    const queue = stack.withId('Letters');
    expect(() => functions.pool(queue)).toThrow('Letters is no function');
    expect(() => functions.caller(queue)).toThrow('Letters is no function');
  });

  it('say each line of what they print under their own name', async () => {
    const files = { 'index.mjs': "export const handler = async () => console.log('one\\ntwo\\n');" };
    const { functions, logged } = await given({}, { files });
    await functions.invoke('Worker', {});
    await expect
      .poll(() => logged)
      .toEqual([
        { level: 'info', source: 'Worker', text: 'one' },
        { level: 'info', source: 'Worker', text: 'two' },
      ]);
  });
});
