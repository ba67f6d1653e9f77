import type { Access, Attempt } from '../aws/access.ts';
import type { FunctionCaller } from '../aws/caller.ts';
import { arn } from '../world.ts';

/** What Lambda writes with the function's role: logs, and traces if enabled. */
export interface Telemetry {
  onStart(environmentId: string): void;
  log(text: string, environmentId: string): void;
  onInvoked(environmentId: string): void;
}

export interface TelemetryOptions {
  access: Access;
  caller: FunctionCaller;
  logGroupName: string;
  /** `TracingConfig.Mode` is `Active`. */
  traced: boolean;
  /** Receives the function's output, if its role allows Lambda to write it. */
  print(text: string): void;
}

/**
 * Each environment has a log stream. Without permission to create it, its lines are lost, as on AWS. Lambda itself
 * writes a few lines for every invocation, so a function without output needs the permission too.
 */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { access, caller, logGroupName, traced, print } = options;
  const streams = new Set<string>();

  function ask(service: 'logs' | 'xray', operation: string, resource: string): Attempt {
    const needs = [{ action: `${service}:${operation}`, resource }];
    return access.attempt(caller, { by: 'platform', service, operation, needs });
  }
  const streamArn = (id: string) => arn('logs', `log-group:${logGroupName}:log-stream:${id}`);

  function put(environmentId: string, bytes: number): boolean {
    if (!streams.has(environmentId)) return false;
    const writing = ask('logs', 'PutLogEvents', streamArn(environmentId));
    writing.done({ requestBytes: bytes, responseBytes: 0 });
    return writing.allowed;
  }
  /** X-Ray's actions have no resources. */
  const trace = (operation: string) =>
    ask('xray', operation, '*').done({ requestBytes: 0, responseBytes: 0 });

  return {
    onStart(environmentId) {
      const creating = ask('logs', 'CreateLogStream', streamArn(environmentId));
      creating.done({ requestBytes: 0, responseBytes: 0 });
      if (creating.allowed) streams.add(environmentId);
      // The daemon of a traced function reports on itself.
      if (traced) trace('PutTelemetryRecords');
    },
    log(text, environmentId) {
      if (put(environmentId, Buffer.byteLength(text))) print(text);
    },
    onInvoked(environmentId) {
      put(environmentId, 0);
      if (traced) trace('PutTraceSegments');
    },
  };
}
