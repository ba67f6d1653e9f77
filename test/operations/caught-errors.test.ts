import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FunctionName } from '../../config/function-names.ts';
import { accepted, end, refused } from '../support/frames.ts';
import { type Stack, startStack } from '../support/stack.ts';

/**
 * A function that catches an error and goes on does not die, so Lambda counts nothing. What an operator gets then: a line of
 * level ERROR and the metric `CaughtErrors`, which an alarm watches.
 */

let stack: Stack;
const givenBack: (() => void)[] = [];
const lines: string[] = [];

beforeAll(async () => {
  stack = await startStack({ settings: { MIDTURN_VISIBILITY_SECONDS: '2' } });
  stack.model.script(() => ({ chunks: ['fine'] }));
});
afterEach(async () => {
  for (const giveBack of givenBack.splice(0)) giveBack();
  await stack.settleClients();
});
afterAll(() => stack.close());

/** Takes an action from the role of a function. */
function deny(name: FunctionName, action: string): void {
  const role = new RegExp(`^Midturn${name}Role`, 'i');
  const statement = stack.cloud.permissions
    .statements()
    .find(({ id, actions }) => role.test(id) && actions.patterns.includes(action));
  if (!statement) throw new Error(`${name} has no ${action}.`);
  givenBack.push(stack.cloud.permissions.withhold(statement.id, { action }));
}

/** How often the function has counted a caught error. */
function caught(name: FunctionName): number {
  lines.push(...stack.takeLog());
  return lines.flatMap((line) => {
    const [, source = '', text = ''] = /^info (\w+): (\{.*)$/s.exec(line) ?? [];
    const json: Record<string, unknown> = source === name ? JSON.parse(text) : {};
    return json.function === name && typeof json.CaughtErrors === 'number' ? [json.CaughtErrors] : [];
  }).length;
}

const invoke = (name: FunctionName, body: string) =>
  stack.cloud.functions.invoke(name, { Records: [{ messageId: 'm', receiptHandle: 'none', body }] });
const failed = { batchItemFailures: [{ itemIdentifier: 'm' }] };
const job = JSON.stringify({ session: 'local#anonymous#none', lane: 'l', slot: 's' });

describe('an error that is caught is counted', () => {
  it('P1: in the turn function, for each time that a turn fails on a denied table, and the turn is done later', async () => {
    const client = await stack.connect('one');
    client.send({ type: 'connect' });
    await client.next((frame) => frame.type === 'connected');
    deny('turn', 'dynamodb:UpdateItem');
    client.send({ type: 'message', id: 'm1', content: 'hi' });
    await accepted(client, 'm1');
    await expect.poll(() => caught('turn')).toBeGreaterThanOrEqual(2);
    for (const giveBack of givenBack.splice(0)) giveBack();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'fine' });
  });

  it('in the turn function, while its messages cannot be hidden from other workers', async () => {
    const before = caught('turn');
    deny('turn', 'sqs:ChangeMessageVisibility');
    const client = await stack.connect('two');
    client.send({ type: 'message', id: 'm1', content: 'hi' });
    await end(client);
    await expect.poll(() => caught('turn')).toBeGreaterThan(before);
  });

  it('in the inbound function, whose client gets an internal error', async () => {
    const client = await stack.connect('three');
    deny('inbound', 'dynamodb:GetItem');
    client.send({ type: 'message', id: 'm1', content: 'hi' });
    await refused(client, 'INTERNAL');
    await expect.poll(() => caught('inbound')).toBe(1);
  });

  it('in the deadline function, which returns the message', async () => {
    deny('deadline', 'dynamodb:GetItem');
    expect(await invoke('deadline', job)).toEqual(failed);
    await expect.poll(() => caught('deadline')).toBe(1);
  });

  it('in the redrive function, which returns the message', async () => {
    deny('redrive', 'sqs:SendMessage');
    expect(await invoke('redrive', job)).toEqual(failed);
    await expect.poll(() => caught('redrive')).toBe(1);
  });
});
