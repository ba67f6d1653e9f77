import { enableCompileCache } from 'node:module';
import { isMainThread, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { EnvironmentData, EnvironmentMessage, InvokeMessage, ReportedError } from './protocol.ts';

/**
 * Runs inside an execution environment's thread: loads the bundle, then handles invocations one after the other.
 * Between two invocations the thread is frozen, as on Lambda: no timer fires and no socket is read. So a handler that
 * leaves work behind fails here, and not first on AWS.
 *
 * It may import only types and Node's modules, because it runs with its types stripped.
 */
async function run(): Promise<void> {
  if (isMainThread || !parentPort) throw new Error('This is the inside of an execution environment.');
  const port = parentPort;
  const post = (message: EnvironmentMessage) => port.postMessage(message);

  // Written directly to the port: the thread's own streams wait for the other side between writes, which a frozen
  // thread cannot.
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

  const { bundle, exportName, compiled, gate, deadline } = workerData as EnvironmentData;
  const endsAt = new BigInt64Array(deadline);
  enableCompileCache(compiled);
  const handler = await load(bundle, exportName).catch((error: unknown) => end(report(error), 1));
  // Keeps the thread alive while a handler waits for nothing, so that its time limit ends it.
  port.ref();
  post({ type: 'ready' });

  const flag = new Int32Array(gate);
  for (;;) {
    Atomics.wait(flag, 0, 0);
    Atomics.store(flag, 0, 0);
    const received: { message: InvokeMessage } | undefined = receiveMessageOnPort(port);
    if (!received) continue;
    // Sockets that closed meanwhile are noticed before the handler uses them.
    await new Promise((resolve) => setImmediate(resolve));
    const { requestId, event, trace, context } = received.message;
    if (trace === undefined) delete process.env._X_AMZN_TRACE_ID;
    else process.env._X_AMZN_TRACE_ID = trace;
    try {
      const result = await handler(JSON.parse(event), {
        ...context,
        awsRequestId: requestId,
        callbackWaitsForEmptyEventLoop: true,
        getRemainingTimeInMillis: () => Math.max(0, Number(Atomics.load(endsAt, 0)) - Date.now()),
      });
      post({ type: 'result', requestId, body: JSON.stringify(result) ?? 'null' });
    } catch (error) {
      post({ type: 'error', requestId, error: report(error) });
    }
  }
}

type Handler = (event: unknown, context: unknown) => unknown;

async function load(bundle: string, exportName: string): Promise<Handler> {
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
