import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteMessageCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { dynamoStore } from '../../aws/dynamodb/store.ts';
import { systemClock } from '../../aws/system.ts';
import { readRetention } from '../../config/settings/limits.ts';
import { asLaneId, asSessionId } from '../../core/ids.ts';
import { forkFacts } from '../../core/session/fork-facts.ts';
import { beginFork } from '../../core/store/fork-writes.ts';
import type { Principal } from '../../core/store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../../core/store/keys.ts';
import type { LocalCloud } from '../../local/cloud.ts';

/** A session as the application and the operator reach it, without a client. */
export interface Outside {
  /** Resolves when it is answered. */
  send(id: string, content: string): Promise<void>;
  /** As an event that nobody waits for. */
  sendLater(id: string, content: string): Promise<void>;
  /** Resolves when the message lies in the dead-letter queue. */
  dead(id: string): Promise<void>;
  /** Leaves a fork of the session as a function leaves it that dies when it has begun. */
  leaveHalfFork(id: string): Promise<void>;
  /** Fills the session's queue with turns of this lane that are over, one of which its client was not told of. */
  leaveBehind(lane: string): Promise<void>;
}

/** Turns that wait in a session, at most. */
const QUEUE_LIMIT = 8;

export function outsideOf(cloud: LocalCloud, principal: Principal, sessionId: string): Outside {
  const access = (place: { endpoint: string; credentials: LocalCloud['sqs']['credentials'] }) => ({
    endpoint: place.endpoint,
    region: 'us-east-1',
    credentials: place.credentials,
  });
  const message = (id: string, content: string) => ({
    ...principal,
    session_id: sessionId,
    message: { id, content },
  });
  const session = sessionOf(principal, asSessionId(sessionId));

  return {
    async send(id, content) {
      await cloud.functions.invoke('send', message(id, content));
    },
    async sendLater(id, content) {
      await fetch(`${cloud.pageUrl}2015-03-31/functions/send/invocations`, {
        method: 'POST',
        headers: { 'x-amz-invocation-type': 'Event' },
        body: JSON.stringify(message(id, content)),
      });
    },
    async dead(id) {
      const client = new SQSClient(access(cloud.sqs));
      const { QueueUrls = [] } = await client.send(new ListQueuesCommand({}));
      const QueueUrl = QueueUrls.find((url) => url.includes('DeadSendQueue'));
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }),
      );
      for (const { Body = '', ReceiptHandle } of Messages) {
        await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        if (!Body.includes(sessionId) || !Body.includes(`"${id}"`)) throw new Error(`not ${id}: ${Body}`);
      }
      client.destroy();
      if (Messages.length === 0) throw new Error('no message came');
    },
    async leaveHalfFork(id) {
      const { tableName, ...place } = cloud.dynamodb;
      const store = dynamoStore(tableName, access(place));
      const origin = await store.get(sessionKey(session));
      if (!origin) throw new Error('no session');
      const facts = forkFacts({ clock: systemClock, retention: readRetention({}) }, origin, {
        sessionId: asSessionId(id),
        name: undefined,
        seq: origin.seq,
        before: origin.entry + 1,
        countedFor: undefined,
      });
      await store.update(sessionKey(sessionOf(principal, asSessionId(id))), beginFork(facts));
    },
    async leaveBehind(lane) {
      const client = DynamoDBDocumentClient.from(new DynamoDBClient(access(cloud.dynamodb)));
      const set = (Key: { pk: string; sk: string }, name: string, value: unknown) =>
        client.send(
          new UpdateCommand({
            TableName: cloud.dynamodb.tableName,
            Key,
            UpdateExpression: 'SET #n = :v',
            ExpressionAttributeNames: { '#n': name },
            ExpressionAttributeValues: { ':v': value },
          }),
        );
      const { pk, sk } = laneKey(session, asLaneId(lane));
      await set({ pk, sk }, 'undelivered', { m9: { code: 'SESSION_QUEUE_TIMEOUT' } });
      const over = Array.from({ length: QUEUE_LIMIT }, (_, n) => [`over-${n}`, { lane, at: 0 }]);
      const key = sessionKey(session);
      await set({ pk: key.pk, sk: key.sk }, 'queue', Object.fromEntries(over));
    },
  };
}
