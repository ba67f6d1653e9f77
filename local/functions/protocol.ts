/**
 * Messages between the local cloud and the thread of an execution environment. Payloads are JSON text, as in Lambda.
 */

export interface EnvironmentData {
  /** File URL of the bundle. */
  bundle: string;
  /** The folder in which Node keeps what it has compiled of bundles. */
  compiled: string;
  /** Name of the exported handler. */
  exportName: string;
  /** One Int32. It is 0 while the environment is frozen. */
  gate: SharedArrayBuffer;
  /** One BigInt64: when the invocation's time is over, in milliseconds since the epoch. It may come nearer. */
  deadline: SharedArrayBuffer;
}

export interface InvokeMessage {
  requestId: string;
  event: string;
  /** X-Ray's tracing header. Undefined: the invocation is not sampled. */
  trace: string | undefined;
  context: {
    functionName: string;
    functionVersion: string;
    invokedFunctionArn: string;
    memoryLimitInMB: string;
    logGroupName: string;
    logStreamName: string;
  };
}

/** A function's failure as Lambda reports it. */
export interface ReportedError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

export type EnvironmentMessage =
  | { type: 'ready' }
  | { type: 'result'; requestId: string; body: string }
  | { type: 'error'; requestId: string; error: ReportedError }
  /** The environment ends after this message. */
  | { type: 'fatal'; error: ReportedError }
  | { type: 'log'; text: string };
