import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  type QueueAttributeName,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';
import { type AccessKey, newAccessKey } from './aws/access-key.ts';
import { keepPrivate } from './aws/private-port.ts';
import type { Log } from './log.ts';
import type { Stack, StackResource } from './template/stack.ts';
import type { Value } from './template/template.ts';
import { REGION } from './world.ts';

export interface QueueServer {
  /** `http://127.0.0.1:…`, with SQS's protocol. */
  endpoint: string;
  /** With which requests to the endpoint are signed. */
  credentials: AccessKey;
  /**
   * Answers a request that arrived elsewhere as if it had arrived at the endpoint. Afterwards the answer's header
   * `content-length` tells its size.
   */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** X-Ray's tracing header of the request that sent a message. SQS keeps it as the message's `AWSTraceHeader`; fauxqs does not. */
  traceOf(messageId: string): string | undefined;
  /** Access for operators: event sources and set-up. */
  client: SQSClient;
  /** Creates the template's queues with their attributes, if they do not exist. */
  create(stack: Stack): Promise<void>;
  close(): Promise<void>;
}

/** Queue attributes by the template's names. Except for the first, the API's names are the same. */
const ATTRIBUTES: Readonly<Record<string, QueueAttributeName>> = {
  MessageRetentionPeriod: 'MessageRetentionPeriod',
  VisibilityTimeout: 'VisibilityTimeout',
  DelaySeconds: 'DelaySeconds',
  MaximumMessageSize: 'MaximumMessageSize',
  ReceiveMessageWaitTimeSeconds: 'ReceiveMessageWaitTimeSeconds',
  FifoQueue: 'FifoQueue',
  ContentBasedDeduplication: 'ContentBasedDeduplication',
  DeduplicationScope: 'DeduplicationScope',
  FifoThroughputLimit: 'FifoThroughputLimit',
  RedrivePolicy: 'RedrivePolicy',
};

/** An SQS server, in memory or, with a folder, on disk. Its own port is for the holder of the operator's key. */
export async function startQueues(
  folder: string | undefined,
  log: Log,
  operator: AccessKey = newAccessKey(),
): Promise<QueueServer> {
  if (folder) await mkdir(folder, { recursive: true });
  let keptPrivate: RequestListener | undefined;
  // fauxqs is a Fastify application that it does not hand out. It is created before the first await of the call.
  const keepItPrivate = (message: unknown) => {
    const { fastify } = message as { fastify: { server: Server } };
    keptPrivate = keepPrivate(fastify.server, operator, 'sqs', log);
  };
  subscribe('fastify.initialization', keepItPrivate);
  const starting = startFauxqs({
    port: 0,
    host: '127.0.0.1',
    logger: false,
    defaultRegion: REGION,
    ...(folder && { dataDir: folder }),
  });
  unsubscribe('fastify.initialization', keepItPrivate);
  const server = await starting;
  const serve = keptPrivate;
  if (!serve)
    throw new Error('fauxqs has created no Fastify application: its port would be open to everybody.');
  const endpoint = `http://127.0.0.1:${server.port}`;
  const client = new SQSClient({ endpoint, region: REGION, credentials: operator });
  const traces = new Map<string, string>();
  return {
    endpoint,
    credentials: operator,
    handle(request, response) {
      // Fastify hands its headers to `writeHead`, which keeps none of them where they can be read.
      const { writeHead } = response;
      response.writeHead = ((status: number, headers: Record<string, string> = {}) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        return writeHead.call(response, status);
      }) as typeof response.writeHead;
      const trace = request.headers['x-amzn-trace-id'];
      if (typeof trace === 'string') keepTrace(response, trace, traces);
      serve(request, response);
    },
    traceOf: (messageId) => traces.get(messageId),
    client,
    async create(stack) {
      // Other queues refer to dead-letter queues, so these are created first.
      const queues = stack.ofType('AWS::SQS::Queue');
      const redriven = queues.filter(({ properties }) => 'RedrivePolicy' in properties.all);
      for (const queue of [...queues.filter((queue) => !redriven.includes(queue)), ...redriven]) {
        await createQueue(client, stack.attribute(queue, 'QueueName'), queue);
      }
    },
    async close() {
      client.destroy();
      await server.stop();
    },
  };
}

/** Messages whose trace is kept: more than are in flight at a time on one machine. */
const MOST_TRACES = 10_000;

/** Notes the trace of the message that this request sends, by the id in the answer. */
function keepTrace(response: ServerResponse, trace: string, traces: Map<string, string>): void {
  const { end } = response;
  response.end = ((...answer: Parameters<typeof end>) => {
    const [, messageId] = /"MessageId":"([^"]+)"/.exec(String(answer[0])) ?? [];
    const [oldest] = traces.keys();
    if (messageId) traces.set(messageId, trace);
    if (traces.size > MOST_TRACES && oldest) traces.delete(oldest);
    return end.apply(response, answer);
  }) as typeof end;
}

async function createQueue(client: SQSClient, name: string, { properties }: StackResource): Promise<void> {
  const attributes: Partial<Record<QueueAttributeName, string>> = {};
  for (const [property, attribute] of Object.entries(ATTRIBUTES)) {
    const value = properties.all[property];
    if (value !== undefined) attributes[attribute] = attributeText(value);
  }
  const present = await client.send(new GetQueueUrlCommand({ QueueName: name })).catch((error: unknown) => {
    if (error instanceof QueueDoesNotExist) return undefined;
    throw error;
  });
  if (!present?.QueueUrl) {
    await client.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
    return;
  }
  // The queue is from an earlier run, perhaps with other settings. Its type cannot change, and the server ignores
  // changes of
  // the last two attributes.
  const { FifoQueue: _, DeduplicationScope: __, FifoThroughputLimit: ___, ...changeable } = attributes;
  await client.send(new SetQueueAttributesCommand({ QueueUrl: present.QueueUrl, Attributes: changeable }));
}

function attributeText(value: Value): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
