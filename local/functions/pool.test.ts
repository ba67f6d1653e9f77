import { randomUUID } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { compileRuntime } from './environment.ts';
import { FunctionPool, type PoolOptions } from './pool.ts';

let runtime: URL;
let folder: string;
const pools: FunctionPool[] = [];
const logged: string[] = [];

beforeAll(async () => {
  runtime = await compileRuntime();
  folder = join(temporaryFolder(), 'sample');
  await mkdir(folder);
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  logged.length = 0;
});

interface Given extends Partial<Omit<PoolOptions, 'runtime' | 'log'>> {
  timeoutSeconds?: number;
  memoryMb?: number;
  variables?: Record<string, string>;
}

/** A pool of the function with this source. */
async function given(
  source: string,
  { timeoutSeconds = 30, memoryMb = 128, variables = {}, ...options }: Given = {},
) {
  const file = join(folder, `${randomUUID()}.mjs`);
  await writeFile(file, source);
  const spec = {
    name: 'sample',
    functionName: 'Midturn-Sample',
    arn: 'arn:aws:lambda:us-east-1:000000000000:function:Midturn-Sample',
    bundle: pathToFileURL(file).href,
    exportName: 'handler',
    memoryMb,
    timeoutSeconds,
    variables,
    logGroupName: 'Midturn-SampleLogs',
  };
  const pool = new FunctionPool(spec, {
    maxEnvironments: 4,
    ...options,
    runtime,
    log: (text) => logged.push(text),
  });
  pools.push(pool);
  return pool;
}

/** Counts the invocations of one environment. */
const COUNT = 'let n = 0; export const handler = async () => ++n;';
describe('an execution environment', () => {
  it('is reused warm, with what the last invocation left in it', async () => {
    const pool = await given(COUNT);
    expect([await pool.invoke({}), await pool.invoke({}), await pool.invoke({})]).toEqual([1, 2, 3]);
    expect(pool.environments()).toHaveLength(1);
  });

  it('writes nothing beside the function’s code, which may be a folder of the application’s sources', async () => {
    const pool = await given(COUNT);
    await pool.invoke({});
    await pool.close();
    expect(await readdir(dirname(folder))).toEqual(['sample']);
    expect((await readdir(folder)).filter((name) => !name.endsWith('.mjs'))).toEqual([]);
  });

  it('handles one invocation at a time: two that overlap get one each', async () => {
    const pool = await given(`
      let busy = false;
      export const handler = async () => {
        if (busy) throw new Error('two at a time');
        busy = true;
        await new Promise((resolve) => setTimeout(resolve, 60));
        busy = false;
        return true;
      };`);
    expect(await Promise.all(Array.from({ length: 6 }, () => pool.invoke({})))).toEqual(Array(6).fill(true));
    expect(pool.environments().length).toBeGreaterThan(1);
    expect(pool.environments().length).toBeLessThanOrEqual(4);
  });

  it('knows the variables of its function and nothing of this process', async () => {
    process.env.MIDTURN_LEAK = 'seen';
    const pool = await given('export const handler = async () => process.env;', {
      variables: { ONLY: 'this' },
    });
    const variables = await pool.invoke({});
    delete process.env.MIDTURN_LEAK;
    expect(variables).toEqual({ ONLY: 'this', AWS_LAMBDA_LOG_STREAM_NAME: expect.any(String) });
  });

  it('shares no global with another', async () => {
    const source =
      'export const handler = async () => { const had = globalThis.mark; globalThis.mark = 1; return had ?? null; };';
    const [one, other] = [await given(source), await given(source)];
    expect([await one.invoke({}), await other.invoke({}), await one.invoke({})]).toEqual([null, null, 1]);
  });

  it('is frozen between invocations: work left behind goes on in the next', async () => {
    const pool = await given(`
      let ticks = 0;
      export const handler = async ({ wait }) => {
        if (ticks === 0) setInterval(() => { ticks += 1; }, 1);
        const before = ticks;
        if (wait) await new Promise((resolve) => setTimeout(resolve, wait));
        return { before, after: ticks };
      };`);
    const first = (await pool.invoke({ wait: 30 })) as { after: number };
    expect(first.after).toBeGreaterThan(0);
    const other = await given(COUNT);
    await other.invoke({});
    const second = (await pool.invoke({ wait: 0 })) as { before: number };
    // A timer that fell due while frozen may fire once in thawing, but not once for each millisecond that passed.
    expect(second.before - first.after).toBeLessThanOrEqual(2);
  });

  it('gives the handler Lambda’s context', async () => {
    const pool = await given(
      `export const handler = async (event, context) => ({ ...context, remaining: context.getRemainingTimeInMillis() });`,
    );
    const context = (await pool.invoke({})) as Record<string, unknown>;
    expect(context).toMatchObject({
      functionName: 'Midturn-Sample',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:Midturn-Sample',
      memoryLimitInMB: '128',
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(context.remaining).toBeGreaterThan(0);
    expect(context.remaining).toBeLessThanOrEqual(30_000);
  });
});

describe('a pool', () => {
  const WHEN = 'export const handler = async ({ hang }) => (hang ? new Promise(() => {}) : null);';

  it('tells each start of an environment and each invocation in it, also one that fails', async () => {
    const told: string[] = [];
    const pool = await given(
      "export const handler = async (event) => { if (event === 'fail') throw event; };",
      {
        onStart: (id) => told.push(`start ${id}`),
        onInvoked: (id, ms) => told.push(`${ms > 0 ? 'invoked' : 'at once'} ${id}`),
      },
    );
    expect(await pool.invoke('')).toBe(null);
    await expect(pool.invoke('fail')).rejects.toMatchObject({ errorType: 'string', message: 'fail' });
    const id = pool.environments()[0]?.id;
    expect(told).toEqual([`start ${id}`, `invoked ${id}`, `invoked ${id}`]);
  });

  it('that is closed refuses who waits, and leaves no environment', async () => {
    const pool = await given(WHEN, { maxEnvironments: 1 });
    const [busy, waits] = [pool.invoke({ hang: true }), pool.invoke({})].map((invocation) =>
      invocation.catch((error: { errorType?: string }) => error.errorType),
    );
    await expect.poll(() => pool.environments().map(({ state }) => state)).toEqual(['busy']);
    await pool.close();
    expect(await Promise.all([busy, waits])).toEqual(['Runtime.ExitError', 'ServiceException']);
    expect(pool.environments()).toEqual([]);
  });

  it('keeps one idle environment warm, the last that was used, and ends others after a minute', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const gate = join(temporaryFolder(), 'open');
    const pool = await given(`
      import { existsSync } from 'node:fs';
      import { threadId } from 'node:worker_threads';
      export const handler = async (gate) => {
        while (gate && !existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 5));
        return threadId;
      };`);
    const states = () => pool.environments().map(({ state }) => state);
    const both = [pool.invoke(gate), pool.invoke(gate)];
    await expect.poll(states).toEqual(['busy', 'busy']);
    await writeFile(gate, '');
    await Promise.all(both);
    const last = await pool.invoke('');
    expect(states()).toEqual(['idle', 'idle']);
    vi.advanceTimersByTime(45_000);
    expect(pool.environments()).toHaveLength(2);
    vi.advanceTimersByTime(30_000);
    await expect.poll(() => pool.environments()).toHaveLength(1);
    vi.advanceTimersByTime(600_000);
    expect(await pool.invoke('')).toBe(last);
    await pool.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives an invocation the trace that it is sampled in, and none to the next', async () => {
    const pool = await given('export const handler = async () => process.env._X_AMZN_TRACE_ID ?? null;');
    const traces = ['Root=1', undefined];
    pool.spec.trace = () => traces.shift();
    expect([await pool.invoke({}), await pool.invoke({})]).toEqual(['Root=1', null]);
  });
});

describe('a failure', () => {
  it('of the handler is reported with its type, and the environment stays', async () => {
    const pool = await given(
      `let n = 0; export const handler = async () => { n += 1; if (n === 1) throw new TypeError('no'); return n; };`,
    );
    await expect(pool.invoke({})).rejects.toMatchObject({ errorType: 'TypeError', message: 'no' });
    expect(await pool.invoke({})).toBe(2);
  });

  it('to answer in time ends the environment; the next invocation gets a new one', async () => {
    const pool = await given(
      `let n = 0; export const handler = async ({ hang }) => { n += 1; if (hang) for (;;); return n; };`,
      { timeoutSeconds: 0.2 },
    );
    expect(await pool.invoke({})).toBe(1);
    await expect(pool.invoke({ hang: true })).rejects.toMatchObject({
      errorType: 'Sandbox.Timedout',
      message: expect.stringMatching(/^RequestId: .+ Error: Task timed out after 0.20 seconds$/),
    });
    expect(await pool.invoke({})).toBe(1);
  });

  it('is not handed on to whoever waits for the environment', async () => {
    const source = 'export const handler = ({ hang }) => (hang ? new Promise(() => {}) : 1);';
    const pool = await given(source, { timeoutSeconds: 0.2, maxEnvironments: 1 });
    const [failed, waited] = await Promise.allSettled([pool.invoke({ hang: true }), pool.invoke({})]);
    expect(failed).toMatchObject({ status: 'rejected', reason: { errorType: 'Sandbox.Timedout' } });
    expect(waited).toEqual({ status: 'fulfilled', value: 1 });
  });

  it('to ever answer runs into the time limit too', async () => {
    const pool = await given(`export const handler = () => new Promise(() => {});`, { timeoutSeconds: 0.2 });
    await expect(pool.invoke({})).rejects.toMatchObject({ errorType: 'Sandbox.Timedout' });
  });

  it.each([
    ['process.exit(7)', 'Runtime.ExitError', 'exit status 7'],
    [
      `setImmediate(() => { throw new RangeError('late'); }); await new Promise(() => {})`,
      'RangeError',
      'late',
    ],
    [
      `Promise.reject(new Error('unseen')); await new Promise(() => {})`,
      'Runtime.UnhandledPromiseRejection',
      'unseen',
    ],
  ])(
    'of the whole runtime is reported, and the next invocation gets a new one: %s',
    async (crash, errorType, text) => {
      const pool = await given(
        `export const handler = async ({ crash }) => { if (crash) { ${crash}; } return 'fine'; };`,
      );
      await expect(pool.invoke({ crash: true })).rejects.toMatchObject({
        errorType,
        message: expect.stringContaining(text),
      });
      expect(await pool.invoke({})).toBe('fine');
    },
  );

  it('to start is reported to who invoked', async () => {
    const pool = await given('export const other = 1;');
    await expect(pool.invoke({})).rejects.toMatchObject({ errorType: 'Runtime.HandlerNotFound' });
    const broken = await given(`throw new Error('at import');`);
    const both = await Promise.allSettled([broken.invoke({}), broken.invoke({})]);
    const reason = expect.objectContaining({ message: 'at import' });
    expect(both).toEqual(Array(2).fill({ status: 'rejected', reason }));
    expect(logged).toContainEqual(expect.stringContaining('at import'));
  });
});

describe('a killed environment', () => {
  it('ends in the middle of its invocation, and nothing after that happens in it', async () => {
    const pool = await given(`export const handler = async ({ hang }) => {
      if (!hang) return 'fine';
      console.log('at work');
      await new Promise(() => {});
    };`);
    const invocation = pool.invoke({ hang: true });
    invocation.catch(() => {});
    await expect.poll(() => logged).toContain('at work\n');
    const [environment] = pool.environments();
    expect(await pool.kill(environment?.id ?? '')).toBe(true);
    await expect(invocation).rejects.toMatchObject({ errorType: 'Runtime.ExitError' });
    expect(await pool.invoke({})).toBe('fine');
  });

  it('is not invoked again when it was idle', async () => {
    const pool = await given(COUNT);
    await pool.invoke({});
    const [environment] = pool.environments();
    await pool.kill(environment?.id ?? '');
    expect(await pool.invoke({})).toBe(1);
  });
});

it('refuses more than the reserved concurrency, as Lambda throttles', async () => {
  const pool = await given('export const handler = () => new Promise(() => {});', { reservedConcurrency: 1 });
  const first = pool.invoke({});
  first.catch(() => {});
  await expect(pool.invoke({})).rejects.toMatchObject({ errorType: 'TooManyRequestsException' });
});

it('counts an invocation no more after its end, also one that fails', async () => {
  const pool = await given("export const handler = async (fails) => { if (fails) throw new Error('no'); };", {
    reservedConcurrency: 1,
  });
  expect(await pool.invoke(false)).toBe(null);
  await expect(pool.invoke(true)).rejects.toThrow('no');
  expect(await pool.invoke(false)).toBe(null);
});

it.runIf(availableParallelism() <= 4)(
  'starts no more environments at a time than there are processors',
  async () => {
    const most = availableParallelism() + 1;
    const starting: number[] = [];
    const pool = await given('export const handler = () => new Promise(() => {});', {
      maxEnvironments: most,
      onStart: () =>
        starting.push(pool.environments().filter(({ state }) => state === 'starting').length + 1),
    });
    for (let n = 0; n < most; n++) pool.invoke({}).catch(() => {});
    await expect.poll(() => starting.length).toBe(most);
    expect(Math.max(...starting)).toBeLessThan(most);
  },
);

it('serves invocations that wait in the order in which they came, also with those that come while others wait', async () => {
  const pool = await given(COUNT, { maxEnvironments: 1 });
  const early = Array.from({ length: 10 }, () => pool.invoke({}));
  await early[0];
  const late = Array.from({ length: 10 }, () => pool.invoke({}));
  const served = await Promise.all([...early, ...late]);
  expect(served).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
});

it('does not begin what still waits for an environment when its caller gives up, and does not end what runs', async () => {
  const gate = join(folder, randomUUID());
  const source = `
    import { existsSync } from 'node:fs';
    let n = 0;
    export const handler = async (gate) => {
      while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 5));
      return ++n;
    };`;
  const pool = await given(source, { maxEnvironments: 1 });
  const caller = new AbortController();
  const running = pool.invoke(gate, caller.signal);
  await expect.poll(() => pool.environments().map(({ state }) => state)).toEqual(['busy']);
  const [dropped, patient] = [pool.invoke(gate, caller.signal), pool.invoke(gate)];
  caller.abort();
  await expect(dropped).rejects.toMatchObject({
    errorType: 'ServiceException',
    message: 'No environment was free before its caller gave up.',
  });
  await writeFile(gate, '');
  expect([await running, await patient]).toEqual([1, 2]);
});

it('gives what a function prints to the log', async () => {
  const pool = await given(
    `export const handler = async () => {
      console.log('hello', 1);
      console.error('bad');
      await new Promise((done) => process.stdout.write(Buffer.from('é'), done));
      await new Promise((done) => process.stdout.write('ü', 'utf8', done));
    };`,
  );
  await pool.invoke({});
  expect(logged).toEqual(['hello 1\n', 'bad\n', 'é', 'ü']);
});

describe('a function whose code has changed', () => {
  /** A handler that tells its version, and how soon it was told to hurry. */
  const version = (name: string) => `
    export const handler = async ({ waits }, context) => {
      while (waits && context.getRemainingTimeInMillis() > 5_000) await new Promise((resolve) => setTimeout(resolve, 5));
      return '${name}';
    };`;

  it('P3: hands over what runs, and runs what comes in the new code, at once', async () => {
    const pool = await given(version('old'));
    const running = pool.invoke({ waits: true });
    await expect.poll(() => pool.environments().map(({ state }) => state)).toEqual(['busy']);
    await writeFile(fileURLToPath(pool.spec.bundle), version('new'));
    await pool.renew();
    // It ends because its time seems over: its own time limit is 30 s.
    expect(await running).toBe('old');
    expect([await pool.invoke({}), await pool.invoke({})]).toEqual(['new', 'new']);
  });

  it('ends idle environments, and starts those that are needed later', async () => {
    const pool = await given(version('old'));
    expect(await pool.invoke({})).toBe('old');
    await writeFile(fileURLToPath(pool.spec.bundle), version('new'));
    await pool.renew();
    expect(pool.environments()).toEqual([]);
    expect(await pool.invoke({})).toBe('new');
  });

  it('lets no invocation fail that waits for an environment that starts', async () => {
    const pool = await given(version('any'));
    const waiting = pool.invoke({});
    await pool.renew();
    expect(await waiting).toBe('any');
  });
});
