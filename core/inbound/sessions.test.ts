import { describe, expect, it } from 'vitest';
import { asConnectionId, asSessionId } from '../ids.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { registerConnection } from './connection-lifecycle.ts';
import { handleFrame } from './dispatch.ts';

const PRINCIPAL = { tenant: 't', subject: 's' };

/** Sessions with a turn each, one minute apart: that of the client first. */
async function given(...others: string[]) {
  const client = await clientInMemory();
  const { core, send, run, setNow } = client;
  const message = { type: 'message', id: 'first', content: 'hello' };
  await send(message);
  await run();
  for (const [n, id] of others.entries()) {
    setNow(1_800_000_000_000 + (n + 1) * 60_000);
    const connectionId = asConnectionId(`c-${id}`);
    await registerConnection(core, connectionId, { principal: PRINCIPAL, sessionId: asSessionId(id) });
    await handleFrame(core, { connectionId, body: JSON.stringify(message), receivedAt: core.clock.now() });
    await run();
  }
  return client;
}
const idsOf = (frame: Record<string, unknown> | undefined) =>
  ((frame?.sessions ?? []) as { session_id: string }[]).map(({ session_id }) => session_id);

describe('the list of sessions', () => {
  it('P12: comes page by page, and each page says after which one it comes: a repeat is not taken for the next', async () => {
    const { send } = await given('two', 'three');
    const [first] = await send({ type: 'sessions', limit: 2 });
    expect(idsOf(first)).toEqual(['three', 'two']);
    expect(first).not.toHaveProperty('after');
    const [second, ...others] = await send({ type: 'sessions', limit: 2, after: first?.next });
    expect(others).toEqual([]);
    expect(idsOf(second)).toEqual(['one']);
    expect(second).toMatchObject({ after: first?.next });
    expect(second).not.toHaveProperty('next');
  });
});

describe('an export', () => {
  it('says which session and which page it is', async () => {
    const { send } = await given();
    const pages: Record<string, unknown>[] = [];
    for (let after: unknown; ; ) {
      const [page] = await send({ type: 'export', session_id: 'one', ...(after !== undefined && { after }) });
      if (!page) throw new Error('no page');
      expect(page).toMatchObject({ type: 'export', session_id: 'one' });
      expect(page.after).toBe(after);
      pages.push(page);
      after = page.next;
      if (after === undefined) break;
    }
    expect(pages.map(({ data }) => data).join('')).toContain('hello');
  });
});

describe('a session that is renamed', () => {
  it('has its new name in the list, and each of its listeners is told once, who asked too', async () => {
    const { send, frames } = await given('two');
    for (const [session_id, told] of [
      ['one', 1],
      ['two', 2],
    ] as const) {
      const before = frames.length;
      await send({ type: 'rename', session_id, name: `Name of ${session_id} 👩‍🚀` });
      const renamed = frames.slice(before).filter(({ type }) => type === 'renamed');
      // Of another session: who asked, and its one listener.
      expect(renamed).toHaveLength(told);
      expect(renamed[0]).toEqual({ type: 'renamed', session_id, name: `Name of ${session_id} 👩‍🚀` });
    }
    const [list] = await send({ type: 'sessions' });
    expect(list?.sessions).toMatchObject([{ name: 'Name of two 👩‍🚀' }, { name: 'Name of one 👩‍🚀' }]);
  });
});

describe('a name that a client gives by itself', () => {
  it('is that of a session which has none, and takes no other’s place', async () => {
    const { send } = await given('two');
    const rename = async (session_id: string, name: string, provisional?: true) =>
      (await send({ type: 'rename', session_id, name, ...(provisional && { provisional }) }))[0];
    expect(await rename('one', 'First words', true)).toEqual({
      type: 'renamed',
      session_id: 'one',
      name: 'First words',
    });
    expect(await rename('one', 'Other words', true)).toMatchObject({ type: 'renamed', name: 'Other words' });
    expect(await rename('one', 'Soup')).toMatchObject({ type: 'renamed', name: 'Soup' });
    const named = { type: 'error', code: 'SESSION_NAMED', session_id: 'one', retryable: false };
    expect(await rename('one', 'Words', true)).toMatchObject(named);
    const [list] = await send({ type: 'sessions', query: 'soup' });
    expect(list).toMatchObject({ query: 'soup', sessions: [{ session_id: 'one', name: 'Soup' }] });
    await send({ type: 'delete', session_id: 'two' });
    for (const session_id of ['two', 'none'])
      expect(await rename(session_id, 'Words', true)).toMatchObject({
        code: 'SESSION_NOT_FOUND',
        session_id,
      });
  });
});

describe('a session that is deleted', () => {
  it('P12: is in no list, and cannot be renamed or exported; to delete it again is answered alike', async () => {
    const { send } = await given('two');
    const deleted = { type: 'deleted', session_id: 'two' };
    expect(await send({ type: 'delete', session_id: 'two' })).toContainEqual(deleted);
    expect(idsOf((await send({ type: 'sessions' }))[0])).toEqual(['one']);
    for (const frame of [{ type: 'rename', name: 'Mine' }, { type: 'export' }])
      expect(await send({ ...frame, session_id: 'two' })).toMatchObject([
        { code: 'SESSION_NOT_FOUND', session_id: 'two' },
      ]);
    expect(await send({ type: 'delete', session_id: 'two' })).toContainEqual(deleted);
  });
});
