import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asSessionId } from '../../core/ids.ts';
import { entryKey, sessionOf } from '../../core/store/keys.ts';
import type { LocalCloud } from '../../local/cloud.ts';
import { end, framesOf } from '../support/frames.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { ANONYMOUS } from '../support/stored.ts';
import { connect, type WsClient } from '../support/ws-client.ts';

/** Lets an entry of a session be older than the retention, and DynamoDB remove it: itself, and nothing of its turn. */
async function removeEntry({ dynamodb }: LocalCloud, session: string, n: number): Promise<void> {
  const { endpoint, credentials, tableName } = dynamodb;
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint, region: 'us-east-1', credentials }),
  );
  const { pk, sk } = entryKey(sessionOf(ANONYMOUS, asSessionId(session)), n);
  await client.send(
    new UpdateCommand({
      TableName: tableName,
      Key: { pk, sk },
      UpdateExpression: 'SET expires = :past',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':past': 1 },
    }),
  );
  client.destroy();
  expect(await dynamodb.removeExpired(1)).toBe(1);
}

describe('a transcript whose first turn vanishes, entry by entry', () => {
  let stack: Stack;
  let client: WsClient;

  // A stack and a client of its own: entries that are gone are not what the shared checks expect.
  beforeAll(async () => {
    stack = await startStack();
    client = await connect(`${stack.cloud.url}?session_id=old`);
  });
  afterAll(async () => {
    await client.close();
    await stack.close();
  });

  const FIRST = ['user: first', 'assistant: Looking. [call c1]', 'tool: [result c1]', 'assistant: Now.'];

  /** Lines of a prompt before the message that asks for it. */
  const beforeLast = (prompt: string[]) => prompt.slice(0, -1);

  async function history(): Promise<string[]> {
    const seen = framesOf(client, 'history').length;
    client.send({ type: 'history' });
    await client.waitFor(() => framesOf(client, 'history').length > seen);
    const { entries } = framesOf(client, 'history').at(-1) ?? { entries: [] };
    return entries.flatMap((entry) => {
      if (entry.role === 'event') return [];
      return 'content' in entry ? `${entry.role}: ${entry.content}` : `${entry.role}: ${entry.name}`;
    });
  }

  it('P11 P13: the model and `history` see the turn whole or not at all, and each new turn is answered', async () => {
    let model = stack.model.script([
      { chunks: ['Looking.'], toolCalls: [{ id: 'c1', name: 'current_time', args: {} }] },
      { chunks: ['Now.'] },
      { chunks: ['second'] },
    ]);
    for (const content of ['first', 'more']) {
      client.send({ type: 'message', content });
      await end(client, content === 'first' ? 1 : 2);
    }
    expect(beforeLast(model.prompt(3))).toEqual(FIRST);
    // The result, and then its call, the answer, the question, and what was said before the call.
    for (const [index, n] of [4, 3, 5, 1, 2].entries()) {
      const turn = index + 3;
      await removeEntry(stack.cloud, 'old', n);
      model = stack.model.script([{ chunks: ['again'] }]);
      client.send({ type: 'message', content: `message ${turn}` });
      expect(await end(client, turn)).toMatchObject({ type: 'done', full_response: 'again' });
      const later = ['user: more', 'assistant: second'];
      expect(beforeLast(model.prompt(1)).slice(0, 2)).toEqual(later);
      expect((await history()).slice(0, 2)).toEqual(later);
    }
  });
});
