import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochSeconds } from '../../config/units.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';

/** When the token of each of these clients expires. */
const END = 1_800_000_000;
const given = () => clientInMemory({ tokenExpires: epochSeconds(END) });
const MINUTE = 60_000;

describe('P12: a connection whose token expires', () => {
  it.each([
    [0, 'served'],
    [MINUTE - 1, 'served'],
    [MINUTE, 'served'],
    [MINUTE + 1, 'refused'],
    [2 * MINUTE, 'refused'],
    [2 * MINUTE + 1, 'refused and closed'],
  ])('is, %d ms after that, %s', async (late, what) => {
    const client = await given();
    await client.send({ type: 'ping' });
    const [answer] = await client.send({ type: 'ping' }, END * 1000 + late);
    expect(answer).toMatchObject(what === 'served' ? { type: 'pong' } : { code: 'TOKEN_EXPIRED' });
    expect(client.closed()).toBe(what === 'refused and closed' ? 1 : 0);
  });

  it('is told for how long it holds: whole milliseconds, and none when it is over', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -MINUTE, max: 24 * 60 * MINUTE }), async (left) => {
        const client = await given();
        client.setNow(END * 1000 - left);
        await client.send({ type: 'connect' });
        expect(client.frames[0]).toMatchObject({
          type: 'session_start',
          token_expires_in_ms: Math.max(0, left),
        });
      }),
      { numRuns: 30 },
    );
  });

  it('nothing is told of a token without an end', async () => {
    const client = await clientInMemory();
    await client.send({ type: 'connect' });
    expect(client.frames[0]).not.toHaveProperty('token_expires_in_ms');
  });
});
