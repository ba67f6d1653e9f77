import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Stack, StackResource } from './template/stack.ts';

/** The address of a queue for this client: functions have another one. */
export async function queueUrlOf(client: SQSClient, stack: Stack, queue: StackResource): Promise<string> {
  const { protocol, hostname, port } = (await client.config.endpoint?.()) ?? {
    protocol: 'http:',
    hostname: '127.0.0.1',
    port: 0,
  };
  return new URL(new URL(stack.ref(queue)).pathname, `${protocol}//${hostname}:${port}`).href;
}
