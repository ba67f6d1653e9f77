import type { Context } from 'aws-lambda';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { SystemAnswer } from '../../core/inbound/system-message.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';

const aws = givenAws({ MIDTURN_FRAMES_PER_MINUTE: '2', MIDTURN_INBOX_LIMIT: '1' });
let handle: (event: unknown, context: Context) => Promise<SystemAnswer>;
beforeAll(async () => {
  ({ handler: handle } = await import('./handler.ts'));
});
afterEach(() => aws.reset());

const send = (event: unknown) => handle(event, { awsRequestId: 'r' } as Context);
const event = (subject: string, id: string, more: object = {}) => ({
  tenant: 'acme',
  subject,
  session_id: 'one',
  create: true,
  message: { id, content: 'Your order is on its way.' },
  ...more,
});
const warnings = () => aws.logged.filter(({ level }) => level === 'WARN');

it('P1: a message is accepted, and its turn is sent to the queue', async () => {
  expect(await send(event('ann', 'm1'))).toMatchObject({ type: 'accepted', id: 'm1' });
  expect(aws.sent.map(({ queue }) => queue).toSorted()).toEqual(['deadlines', 'turns.fifo']);
});

it.each<[string, string, unknown]>([
  ['no input', 'INVALID_FRAME', null],
  ['no subject', 'INVALID_FRAME', { ...event('', 'm1') }],
  ['a tenant that is too long', 'INVALID_FRAME', event('eve', 'm1', { tenant: '€'.repeat(100) })],
  ['no content', 'EMPTY_CONTENT', event('eve-1', 'm1', { message: { id: 'm1', content: ' ' } })],
  ['no session', 'SESSION_NOT_FOUND', event('eve-2', 'm1', { create: false })],
])('P2: an event with %s is answered %s, for good, and the log says so', async (_, code, given) => {
  expect(await send(given)).toMatchObject({ type: 'error', code, retryable: false });
  expect(warnings()).toMatchObject([{ message: 'message refused', code }]);
  expect(aws.sent).toEqual([]);
});

it.each<[string, string, (subject: string) => Promise<unknown>]>([
  ['over the rate of its user', 'RATE_LIMITED', (subject) => send(event(subject, 'm2')).catch(() => {})],
  ['whose lane is full', 'STEERING_QUEUE_FULL', async () => undefined],
])(
  'P1: a message %s fails with %s: Lambda tries an asynchronous event that fails again',
  async (_, code, before) => {
    const subject = `of ${code}`;
    await send(event(subject, 'm1'));
    await before(subject);
    await expect(send(event(subject, 'm3'))).rejects.toMatchObject({ name: code });
    expect(warnings().at(-1)).toMatchObject({ message: 'message refused', code, id: 'm3', subject });
  },
);

it.each(['GetItem', 'UpdateItem', 'SendMessage'])(
  'P1: a message that meets a failing %s is neither accepted nor refused: the event fails',
  async (operation) => {
    aws.refuse(operation);
    await expect(send(event(`meets ${operation}`, 'm1'))).rejects.toThrow();
  },
);

it('an event without a tenant is for the tenant of everybody whose token names none', async () => {
  const { tenant: _, ...without } = event('ann', 'm1') as { tenant?: string };
  await send(without);
  expect(aws.sent.map(({ body }) => body).join()).toContain('default#ann#');
});
