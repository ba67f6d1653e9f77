import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { png } from '../../test/support/files.ts';
import type { Core } from '../core.ts';
import { objectKey } from '../files/object-key.ts';
import { asConnectionId, asFileId, asSessionId } from '../ids.ts';
import { sessionOf } from '../store/keys.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { callsLeftUnderWay, copyOf } from '../testing/late-calls.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { closeConnection, registerConnection } from './connection-lifecycle.ts';
import { handleFrame } from './dispatch.ts';
import { greet } from './greet.ts';
import { answerRequest, readState } from './request.ts';
import { sendSystemMessage } from './system-message.ts';

const PRINCIPAL = { tenant: 't', subject: 's' };
const C = asConnectionId('c');
const DESK = asConnectionId('desk');
const message = (id: string, more: object = {}) => ({ type: 'message', id, content: 'hello', ...more });
const FILE = { type: 'file', media_type: 'image/png', size: 100 };

interface Options {
  /** Sent first, one after the other. */
  first?: readonly object[];
  core?: Parameters<typeof clientInMemory>[0];
  countedFor?: typeof PRINCIPAL;
  /** When the frame comes, later than the others. */
  late?: number;
}

/** A session with a transcript, a file and two connections. */
async function given({ first = [], core: options = {} }: Options = {}) {
  const files = memoryFiles();
  const table = new MemoryTable();
  const client = await clientInMemory({
    ...options,
    core: { files, store: memoryStore(table), ...options.core },
  });
  const { core, send, run } = client;
  for (const frame of [{ type: 'connect' }, message('m'), message('n')]) await send(frame);
  await run();
  const [address] = await send({ type: 'upload', id: 'u', media_type: 'image/png', size: 100 });
  const file = asFileId(String(address?.file));
  await files.put(objectKey(sessionOf(PRINCIPAL, asSessionId('one')), file), png(100), 'image/png');
  await registerConnection(core, DESK, { principal: PRINCIPAL, sessionId: asSessionId('one') });
  for (const frame of first) await send(frame);
  return { ...client, file, fresh: () => ({ ...core, store: memoryStore(copyOf(table)) }) };
}

const frames: readonly (readonly [string, object | string, Options?])[] = [
  ['is no frame', 'no JSON'],
  ['connects again', { type: 'connect', agent: 'none' }],
  ['connects again, and resumes', { type: 'connect', resume: { after_seq: 0 } }],
  ['opens a turn', message('new')],
  ['opens a turn by content beside its lane', message('new', { content: 'x'.repeat(2000) })],
  ['steers one that waits', message('new'), { first: [message('w')] }],
  ['waits behind a turn', message('new', { delivery: 'queue' }), { first: [message('w')] }],
  ['repeats a message that waits', message('w', { content: 'x'.repeat(2000) }), { first: [message('w')] }],
  ['repeats a message that was taken', message('m')],
  ['says nothing', message('new', { content: ' ' })],
  ['names a file that is not there', message('new', { content: [{ ...FILE, file: 'none' }] })],
  [
    'finds its lane full',
    message('new'),
    {
      first: [message('w')],
      core: { core: { limits: { ...(await clientInMemory()).core.limits, inboxMessages: 1 } } },
    },
  ],
  [
    'stops a turn that waits',
    { type: 'abort', pending: 'discard' },
    { first: [message('w'), message('q', { delivery: 'queue' })] },
  ],
  ['stops none', { type: 'abort' }],
  [
    'stops what it names',
    { type: 'abort', pending: 'discard', pending_ids: ['w'] },
    { first: [message('w'), message('v')] },
  ],
  ['withdraws', { type: 'cancel', id: 'w' }, { first: [message('w', { content: 'x'.repeat(2000) })] }],
  ['withdraws what was taken', { type: 'cancel', id: 'm' }],
  ['withdraws nothing', { type: 'cancel', id: 'none' }],
  ['reads the transcript', { type: 'history' }, { first: [message('w')] }],
  ['reads it merged', { type: 'history', merged: true }],
  ['lists sessions', { type: 'sessions' }],
  ['searches them', { type: 'sessions', query: 'x' }],
  ['names a session', { type: 'rename', session_id: 'one', name: 'Soup' }],
  [
    'names one for now that has a name',
    { type: 'rename', session_id: 'one', name: 'x', provisional: true },
    { first: [{ type: 'rename', session_id: 'one', name: 'Soup' }] },
  ],
  ['names none', { type: 'rename', session_id: 'none', name: 'Soup' }],
  ['exports', { type: 'export', session_id: 'one' }],
  ['exports none', { type: 'export', session_id: 'none' }],
  ['forks', { type: 'fork', session_id: 'two', from: 'one' }],
  ['forks none', { type: 'fork', session_id: 'two', from: 'none' }],
  ['deletes', { type: 'delete', session_id: 'one' }, { first: [message('w')] }],
  ['deletes none', { type: 'delete', session_id: 'none' }],
  ['speaks to a deleted session', message('new'), { first: [{ type: 'delete', session_id: 'one' }] }],
  ['reads of a deleted session', { type: 'history' }, { first: [{ type: 'delete', session_id: 'one' }] }],
  [
    'downloads of a deleted session',
    { type: 'download', id: 'd', file: 'none' },
    { first: [{ type: 'delete', session_id: 'one' }] },
  ],
  [
    'uploads to a deleted session',
    { type: 'upload', id: 'v', media_type: 'image/png', size: 9 },
    { first: [{ type: 'delete', session_id: 'one' }] },
  ],
  ['revokes in a deleted session', { type: 'revoke' }, { first: [{ type: 'delete', session_id: 'one' }] }],
  ['approves what nobody asked for', { type: 'approval_response', request_id: 'none', decision: 'approve' }],
  ['gives what nobody asked for', { type: 'tool_output', request_id: 'none', output: 1 }],
  ['gives nothing', { type: 'tool_output', request_id: 'none' }],
  ['gives too much', { type: 'tool_output', request_id: 'none', output: 'x'.repeat(17_000) }],
  ['answers what nobody asked', { type: 'elicitation_answer', id: 'none', action: 'accept' }],
  ['revokes', { type: 'revoke' }],
  ['uploads', { type: 'upload', id: 'v', media_type: 'image/png', size: 9 }, { countedFor: PRINCIPAL }],
  ['uploads what is not taken', { type: 'upload', id: 'v', media_type: 'text/html', size: 9 }],
  ['uploads too much', { type: 'upload', id: 'v', media_type: 'image/png', size: 20 * 1024 * 1024 }],
  [
    'uploads beyond its day',
    { type: 'upload', id: 'v', media_type: 'image/png', size: 9 },
    {
      countedFor: PRINCIPAL,
      core: { core: { rates: { framesPerMinute: 0, connectionsPerMinute: 0, dayFileBytes: 1 } } },
    },
  ],
  ['downloads what is not there', { type: 'download', id: 'd', file: 'none' }],
  ['pings', { type: 'ping' }, { first: [message('w')] }],
  [
    'comes too often',
    { type: 'ping' },
    {
      countedFor: PRINCIPAL,
      core: { core: { rates: { framesPerMinute: 0.1, connectionsPerMinute: 0, dayFileBytes: 0 } } },
    },
  ],
  [
    'comes long after its token',
    { type: 'ping' },
    { core: { tokenExpires: epochSeconds(1_800_000_001) }, late: 200_000 },
  ],
];

describe('a function that has answered is frozen: nothing goes on behind it', () => {
  it.each(frames.map(([name, frame, options = {}]) => ({ name, frame, options })))(
    'of a frame that $name',
    async ({ frame, options }) => {
      const { fresh, core } = await given(options);
      const body = typeof frame === 'string' ? frame : JSON.stringify(frame);
      const { countedFor, late = 0 } = options;
      const inbound = { connectionId: C, body, ...(countedFor && { countedFor }) };
      const receivedAt = epochMs(core.clock.now() + late);
      expect(
        await callsLeftUnderWay(fresh, (ports) => handleFrame(ports, { ...inbound, receivedAt })),
      ).toEqual([]);
    },
  );

  it.each(['a message with it', 'a download of it'])('of a file, and %s', async (what) => {
    const { core, send, file, fresh } = await given();
    const content = [{ ...FILE, file }];
    if (what !== 'a message with it') await send(message('f', { content }));
    const frame =
      what === 'a message with it' ? message('g', { content }) : { type: 'download', id: 'd', file };
    const inbound = { connectionId: C, body: JSON.stringify(frame), receivedAt: core.clock.now() };
    expect(await callsLeftUnderWay(fresh, (ports) => handleFrame(ports, inbound))).toEqual([]);
  });

  it.each<[string, (core: Core) => Promise<unknown>]>([
    [
      'a connection that is made',
      (core) =>
        registerConnection(core, asConnectionId('new'), {
          principal: PRINCIPAL,
          sessionId: asSessionId('new'),
        }),
    ],
    ['a connection that is closed', (core) => closeConnection(core, C)],
    ['a connection that is greeted', (core) => greet(core, { connection: DESK })],
    [
      'the first frame of a connection',
      (core) =>
        handleFrame(core, {
          connectionId: DESK,
          body: '{"type":"connect","session_id":"two"}',
          receivedAt: core.clock.now(),
        }),
    ],
    [
      'a message of the application',
      (core) =>
        sendSystemMessage(core, PRINCIPAL, {
          session_id: 'two',
          create: true,
          message: { id: 's', content: 'x' },
        }),
    ],
    [
      'a request',
      (core) =>
        answerRequest(
          core,
          { principal: PRINCIPAL },
          { type: 'message', body: '{"content":"x"}', sessionId: 'one' },
        ),
    ],
    [
      'a request that stops a turn',
      (core) =>
        answerRequest(core, { principal: PRINCIPAL }, { type: 'abort', body: '{}', sessionId: 'one' }),
    ],
    ['a request for the state', (core) => readState(core, { principal: PRINCIPAL }, 'one')],
  ])('of %s', async (_, act) => {
    expect(await callsLeftUnderWay((await given()).fresh, act)).toEqual([]);
  });
});
