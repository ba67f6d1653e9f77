import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { transform } from 'esbuild';
import { messageOf } from '../errors.ts';
import { CACHE, EXTENSION } from '../places.ts';
import { FunctionError } from './errors.ts';
import type { EnvironmentData, EnvironmentMessage, InvokeMessage, ReportedError } from './protocol.ts';

/** What an execution environment needs to know of its function. */
export interface EnvironmentSpec {
  /** The name of the bundle, for display. */
  name: string;
  /** The function's name on AWS. */
  functionName: string;
  arn: string;
  /** File URL. */
  bundle: string;
  exportName: string;
  memoryMb: number;
  timeoutSeconds: number;
  /** The whole `process.env`. */
  variables: Readonly<Record<string, string>>;
  logGroupName: string;
  /** X-Ray's tracing header of a new invocation. Undefined: the function is not traced. */
  trace?: () => string | undefined;
}

/**
 * Compiles the runtime to JavaScript, once. A thread that loads TypeScript needs its own compiler: 13 MB and 30 ms
 * more.
 */
export const compileRuntime: () => Promise<URL> = once(async () => {
  const source = await readFile(new URL(`./runtime${EXTENSION}`, import.meta.url), 'utf8');
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node24' });
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
});

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** All environments of a function compile the same bundle. */
const COMPILED = join(CACHE, 'compile-cache');

/** What is left to an invocation that is to hurry: less than any function reserves for a hand-over. */
const HURRY_MS = 500;

interface Running {
  requestId: string;
  resolve(body: string): void;
  reject(error: FunctionError): void;
}

/**
 * One execution environment: a thread with its own copy of the bundle and its own globals. It handles one invocation at
 * a time. An ended environment is not restarted.
 */
export class ExecutionEnvironment {
  readonly id = randomUUID();
  /** Resolves when it can be invoked. Rejects with the error that prevented its start. */
  readonly ready: Promise<void>;
  /** Resolves when the thread has ended, for any reason. */
  readonly gone: Promise<void>;
  readonly #spec: EnvironmentSpec;
  readonly #worker: Worker;
  readonly #gate = new SharedArrayBuffer(4);
  readonly #deadline = new BigInt64Array(new SharedArrayBuffer(8));
  #running: Running | undefined;
  /** The cause of its end, if known before the thread has ended. */
  #cause: ReportedError | undefined;
  #exited = false;

  /** @param runtime from `compileRuntime` */
  constructor(spec: EnvironmentSpec, runtime: URL, log: (text: string) => void) {
    this.#spec = spec;
    const data: EnvironmentData = {
      bundle: spec.bundle,
      exportName: spec.exportName,
      gate: this.#gate,
      deadline: this.#deadline.buffer as SharedArrayBuffer,
      compiled: COMPILED,
    };
    this.#worker = new Worker(runtime, {
      workerData: data,
      env: { ...spec.variables, AWS_LAMBDA_LOG_STREAM_NAME: this.id },
      execArgv: [],
      name: spec.name,
      // A small young generation keeps idle threads small. The old generation may grow to the function's memory size.
      resourceLimits: { maxOldGenerationSizeMb: spec.memoryMb, maxYoungGenerationSizeMb: 8 },
    });
    const started = Promise.withResolvers<void>();
    this.ready = started.promise;
    // Awaited by the invocations. Without one, a rejection must not end the process.
    this.ready.catch(() => {});
    this.#worker.on('message', (message: EnvironmentMessage) => {
      switch (message.type) {
        case 'ready':
          return started.resolve();
        case 'log':
          return log(message.text);
        case 'fatal':
          this.#cause ??= message.error;
          return;
        case 'result':
          return this.#settle(message.requestId, ({ resolve }) => resolve(message.body));
        case 'error':
          return this.#settle(message.requestId, ({ reject }) => reject(new FunctionError(message.error)));
      }
    });
    this.#worker.on('error', (error) => {
      const outOfMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#cause ??= {
        errorType: outOfMemory ? 'Runtime.OutOfMemory' : 'Runtime.ExitError',
        errorMessage: messageOf(error),
      };
    });
    const { promise: gone, resolve: ended } = Promise.withResolvers<void>();
    this.gone = gone;
    this.#worker.once('exit', (code) => {
      this.#exited = true;
      const cause = this.#cause ?? {
        errorType: 'Runtime.ExitError',
        errorMessage: `Runtime exited with error: exit status ${code}`,
      };
      started.reject(new FunctionError(cause));
      this.#settle(this.#running?.requestId, ({ requestId, reject }) =>
        reject(
          new FunctionError({
            ...cause,
            errorMessage: `RequestId: ${requestId} Error: ${cause.errorMessage}`,
          }),
        ),
      );
      ended();
    });
  }

  /** Whether it can be invoked. False as soon as its end is certain. */
  get alive(): boolean {
    return !this.#exited && this.#cause === undefined;
  }

  /** @throws {FunctionError} the handler's error, its time-out, or the end of the environment */
  async invoke(event: string): Promise<string> {
    if (this.#running) throw new Error(`Environment ${this.id} already handles an invocation.`);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const requestId = randomUUID();
    this.#running = { requestId, resolve, reject };
    const { timeoutSeconds } = this.#spec;
    const timer = setTimeout(() => {
      this.kill({
        errorType: 'Sandbox.Timedout',
        errorMessage: `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`,
      });
    }, timeoutSeconds * 1000);
    this.#endAt(Date.now() + timeoutSeconds * 1000);
    const message: InvokeMessage = {
      requestId,
      event,
      trace: this.#spec.trace?.(),
      context: {
        functionName: this.#spec.functionName,
        functionVersion: '$LATEST',
        invokedFunctionArn: this.#spec.arn,
        memoryLimitInMB: String(this.#spec.memoryMb),
        logGroupName: this.#spec.logGroupName,
        logStreamName: this.id,
      },
    };
    this.#worker.postMessage(message);
    const flag = new Int32Array(this.#gate);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Tells the running invocation that its time is nearly over, so that it hands over what it does to the next one. It is not
   * ended by this: its own time limit stays.
   */
  hurry(): void {
    this.#endAt(Date.now() + HURRY_MS);
  }

  #endAt(at: number): void {
    Atomics.store(this.#deadline, 0, BigInt(at));
  }

  /** Kills the thread: no further line of it runs. */
  async kill(
    cause: ReportedError = { errorType: 'Runtime.ExitError', errorMessage: 'Killed' },
  ): Promise<void> {
    this.#cause ??= cause;
    await this.#worker.terminate();
  }

  #settle(requestId: string | undefined, how: (running: Running) => void): void {
    const running = this.#running;
    if (!running || running.requestId !== requestId) return;
    this.#running = undefined;
    how(running);
  }
}
