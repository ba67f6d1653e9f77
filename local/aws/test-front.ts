import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEventBridge } from '../eventbridge/event-bridge.ts';
import { startQueues } from '../queues.ts';
import { startTables } from '../tables.ts';
import { type Access, createAccess } from './access.ts';
import { newAccessKey } from './access-key.ts';
import { functionCaller } from './caller.ts';
import { arnOf, stackOf } from './fixtures.ts';
import { createUpstream } from './forward.ts';
import { createFront } from './front.ts';
import { createLambda } from './lambda.ts';
import { readRoles } from './roles.ts';
import { createSecrets } from './secrets.ts';

export const KEY = newAccessKey();
export const OPERATOR = newAccessKey();

/** A front with all services, before a function that may use a few of them. */
export interface TestFront {
  origin: string;
  access: Access;
  /** Sends the half of the model's stream that is still to come. */
  finishStream(): void;
  /** Whether the management API knows the paths that it is asked for. */
  manages(known: boolean): void;
  close(): Promise<void>;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const STATEMENTS = [
  { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: arnOf('Worker') },
  { Effect: 'Allow', Action: ['dynamodb:GetItem', 'dynamodb:PutItem'], Resource: arnOf('Items') },
  { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arnOf('Letters') },
  {
    Effect: 'Allow',
    Action: 'execute-api:ManageConnections',
    Resource: 'arn:aws:execute-api:us-east-1:000000000000:midturnapi/local/POST/@connections/open*',
  },
  {
    Effect: 'Allow',
    Action: 'secretsmanager:GetSecretValue',
    Resource: ['known', 'forgotten', 'far'].map(
      (name) => `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-??????`,
    ),
  },
  {
    Effect: 'Allow',
    Action: 'events:PutEvents',
    Resource: 'arn:aws:events:us-east-1:000000000000:event-bus/default',
  },
  {
    Effect: 'Allow',
    Action: 'bedrock:InvokeModelWithResponseStream',
    Resource: 'arn:aws:bedrock:*::foundation-model/good.model',
  },
];

export async function startTestFront(): Promise<TestFront> {
  let finishStream = () => {};
  let isManaged = true;
  const model = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    response.write('first');
    finishStream = () => response.end(' second');
  });
  const server = createServer();
  const [tables, queues, modelUrl, origin] = await Promise.all([
    startTables(undefined, () => {}),
    startQueues(undefined, () => {}),
    listen(model),
    listen(server),
  ]);
  const stack = stackOf(STATEMENTS, {}, origin);
  await Promise.all([tables.create(stack), queues.create(stack)]);
  const access = createAccess(readRoles(stack), () => {});
  const [worker] = stack.ofType('AWS::Lambda::Function');
  if (!worker) throw new Error('the stack has no function');
  const caller = functionCaller(stack, worker, 'worker');
  const bedrock = createUpstream(modelUrl);
  const front = createFront({
    holderOf: (id) => (id === KEY.accessKeyId ? { ...KEY, caller } : undefined),
    access,
    operator: OPERATOR,
    services: {
      dynamodb: tables.handle,
      sqs: queues.handle,
      bedrock,
      management(request, response) {
        if (!isManaged) return false;
        request.resume();
        response.writeHead(200).end();
        return true;
      },
      secrets: createSecrets({ known: 'the välue', 'other/one': 'x' }, async ({ SecretId }) => {
        if (SecretId === 'far') throw new Error('no account is in reach');
        return { status: 400, body: { __type: 'ResourceNotFoundException' } };
      }),
      lambda: createLambda({
        stack,
        functions: { pool: () => ({ spec: { name: 'worker' }, invoke: async (event) => event }) },
        asynchronous: { invoke: async () => {} },
        log: () => {},
      }),
      events: createEventBridge({
        stack,
        access,
        queues: queues.client,
        asynchronous: { invoke: () => Promise.reject(new Error('no rule has a function')) },
        log: () => {},
      }),
    },
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!front(request, response)) response.writeHead(404).end('not for the front');
  });
  return {
    origin,
    access,
    finishStream: () => finishStream(),
    manages(known) {
      isManaged = known;
    },
    async close() {
      bedrock.close();
      for (const open of [server, model]) {
        open.close();
        open.closeAllConnections();
      }
      await Promise.all([tables.close(), queues.close()]);
    },
  };
}
