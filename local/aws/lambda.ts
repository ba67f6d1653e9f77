import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../errors.ts';
import type { AsynchronousInvocations } from '../functions/asynchronous.ts';
import { FunctionError } from '../functions/errors.ts';
import type { FunctionPool } from '../functions/pool.ts';
import type { Log } from '../log.ts';
import type { Stack, StackResource } from '../template/stack.ts';
import { arn } from '../world.ts';
import { readBody } from './json-body.ts';
import type { Operation } from './operations.ts';

/** Lambda, as far as functions use it: `Invoke`. */
export interface Lambda {
  /** The permission that a request needs. What does not exist has an ARN too. */
  operation(method: string, path: string): Operation;
  /** @returns the answer's bytes */
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<number>;
  /**
   * Answers a developer, who signs nothing, as `sam local start-lambda` does. A function can be named by its construct's
   * id, and one of Midturn as in `lambdas/`.
   *
   * @returns whether the request was one of these
   */
  answerDeveloper(request: IncomingMessage, response: ServerResponse, path: string): boolean;
  /** Resolves when no asynchronous event is under way. */
  settled(): Promise<void>;
}

interface LambdaOptions {
  stack: Stack;
  functions: { pool(fn: StackResource): { spec: { name: string }; invoke: FunctionPool['invoke'] } };
  asynchronous: AsynchronousInvocations;
  log: Log;
}

/** Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
/** At the end of the logical ids that the CDK makes. */
const HASH = /[0-9A-F]{8}$/;
const MAX_BYTES = 6 * 1024 * 1024;
const MAX_ASYNCHRONOUS_BYTES = 1024 * 1024;

export function createLambda({ stack, functions, asynchronous, log }: LambdaOptions): Lambda {
  const underWay = new Set<Promise<void>>();
  const all = stack.ofType('AWS::Lambda::Function');
  const find = (name: string): StackResource | undefined =>
    all.find((fn) => stack.ref(fn) === name) ??
    all.find((fn) =>
      [fn.logicalId, fn.logicalId.replace(HASH, ''), functions.pool(fn).spec.name].includes(name),
    );

  async function answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<number> {
    const body = await readBody(request);
    const fn = find(nameIn(path));
    if (!fn) return fault(response, 404, 'ResourceNotFoundException', `Function not found: ${arnOf(path)}`);
    const isLater = request.headers['x-amz-invocation-type'] === 'Event';
    if (!body || body.length > (isLater ? MAX_ASYNCHRONOUS_BYTES : MAX_BYTES))
      return fault(response, 413, 'RequestTooLargeException', 'Request must be smaller than the quota.');
    let event: unknown;
    try {
      event = body.length === 0 ? {} : JSON.parse(body.toString());
    } catch (error) {
      return fault(
        response,
        400,
        'InvalidRequestContentException',
        `Could not parse request body into json: ${messageOf(error)}`,
      );
    }
    if (request.headers['x-amz-invocation-type'] === 'DryRun') return end(response, 204, '');
    if (isLater) {
      later(fn, event);
      return end(response, 202, '');
    }
    try {
      return end(response, 200, JSON.stringify(await functions.pool(fn).invoke(event)) ?? 'null');
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      const { errorType, message: errorMessage, trace } = error;
      if (errorType === 'TooManyRequestsException') return fault(response, 429, errorType, errorMessage);
      response.setHeader('x-amz-function-error', 'Unhandled');
      return end(response, 200, JSON.stringify({ errorType, errorMessage, trace }));
    }
  }

  function later(fn: StackResource, event: unknown): void {
    const handled = asynchronous
      .invoke(fn, event)
      .catch((error: unknown) =>
        log({ level: 'error', source: fn.logicalId, text: `an event was lost: ${messageOf(error)}` }),
      )
      .finally(() => underWay.delete(handled));
    underWay.add(handled);
  }

  return {
    operation: (method, path) => ({
      name: method === 'POST' && PATH.test(path) ? 'Invoke' : `${method} ${path}`,
      needs: [{ action: 'lambda:InvokeFunction', resource: arnOf(path) }],
    }),
    answer,
    answerDeveloper(request, response, path) {
      if (request.method !== 'POST' || !PATH.test(path)) return false;
      answer(request, response, path).catch((error: unknown) => response.destroy(error as Error));
      return true;
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** The name in a path, which may be an ARN. */
function nameIn(path: string): string {
  const [, part = ''] = PATH.exec(path) ?? [];
  let name = part;
  try {
    name = decodeURIComponent(part);
  } catch {
    // No such name.
  }
  const [, ofArn] = /:function:([^:]+)/.exec(name) ?? [];
  return ofArn ?? name;
}

const arnOf = (path: string): string => arn('lambda', `function:${nameIn(path)}`);

function fault(response: ServerResponse, status: number, type: string, Message: string): number {
  response.setHeader('x-amzn-errortype', type);
  return end(response, status, JSON.stringify({ Type: 'User', Message }));
}

function end(response: ServerResponse, status: number, body: string): number {
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  return Buffer.byteLength(body);
}
