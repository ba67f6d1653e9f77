import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { EnvironmentData, EnvironmentMessage, InvokeMessage, ReportedError } from './protocol.ts';

/**
 * What runs inside an execution environment's thread: loads the bundle, then handles one invocation after the other.
 * Between two it is frozen, as Lambda freezes: no timer fires and no socket is read until the next one thaws it, so
 * a handler that leaves work behind is caught here and not in the account.
 *
 * Types only may be imported beside Node's own modules: this file is run with its types cut off.
 */
async function run(): Promise<void> {
  if (isMainThread || !parentPort) throw new Error('This is the inside of an execution environment.');
  const port = parentPort;
  const post = (message: EnvironmentMessage) => port.postMessage(message);

  // Straight to the port: the thread's own streams wait for the other side between writes, which a frozen one cannot.
  const write = (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
    post({
      type: 'log',
      text: typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString(),
    });
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') callback();
    return true;
  };
  process.stdout.write = write;
  process.stderr.write = write;

  const end = (error: ReportedError, code: number): never => {
    post({ type: 'fatal', error });
    process.exit(code);
  };
  process.on('uncaughtException', (error) => end(report(error), 129));
  process.on('unhandledRejection', (reason) => {
    const { errorMessage, trace } = report(reason);
    end({ errorType: 'Runtime.UnhandledPromiseRejection', errorMessage, ...(trace && { trace }) }, 128);
  });

  const { bundle, exportName, gate } = workerData as EnvironmentData;
  const handler = await load(bundle, exportName).catch((error: unknown) => end(report(error), 1));
  // Holds the thread when a handler waits for something that nothing will bring: it then runs into its time limit.
  port.ref();
  post({ type: 'ready' });

  const flag = new Int32Array(gate);
  for (;;) {
    Atomics.wait(flag, 0, 0);
    Atomics.store(flag, 0, 0);
    const received: { message: InvokeMessage } | undefined = receiveMessageOnPort(port);
    if (!received) continue;
    // What happened to sockets in the meantime is noticed before the handler uses them.
    await new Promise((resolve) => setImmediate(resolve));
    const { requestId, event, deadline, context } = received.message;
    try {
      const result = await handler(JSON.parse(event), {
        ...context,
        awsRequestId: requestId,
        callbackWaitsForEmptyEventLoop: true,
        getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
      });
      post({ type: 'result', requestId, body: JSON.stringify(result) ?? 'null' });
    } catch (error) {
      post({ type: 'error', requestId, error: report(error) });
    }
  }
}

type Handler = (event: unknown, context: unknown) => unknown;

async function load(bundle: string, exportName: string): Promise<Handler> {
  // Each environment of a function compiles the same bundle: the second one finds it done.
  enableCompileCache(join(tmpdir(), 'midturn-compile-cache'));
  const module: Record<string, unknown> = await import(bundle);
  const handler = module[exportName];
  if (typeof handler !== 'function') {
    const missing = new Error(`${exportName} is undefined or not exported`);
    missing.name = 'Runtime.HandlerNotFound';
    throw missing;
  }
  return (event, context) => handler(event, context);
}

function report(error: unknown): ReportedError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error) };
  return {
    errorType: error.name,
    errorMessage: error.message,
    ...(error.stack && { trace: error.stack.split('\n').map((line) => line.trim()) }),
  };
}

await run();
