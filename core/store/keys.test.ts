import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../../test/support/text.ts';
import {
  asConnectionId,
  asFileId,
  asLaneId,
  asMessageId,
  asRequestId,
  asSessionId,
  asTurnId,
} from '../ids.ts';
import {
  cachedAnswerKey,
  cacheNoteKey,
  connectionIdOf,
  connectionKey,
  contentKey,
  entryKey,
  eventsKey,
  fileIdOf,
  fileKey,
  type Key,
  laneIdOf,
  laneKey,
  lanesRange,
  listingAt,
  listingKey,
  listingPosition,
  messageKey,
  notedAnswer,
  outputKey,
  partsRange,
  principalSpendKey,
  principalTurnsKey,
  rateKey,
  sessionKey,
  sessionOf,
  summaryKey,
  tenantSpendKey,
  tenantSpendKeys,
  tenantTurnsKey,
  tokenKey,
} from './keys.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const SESSION = sessionOf(ANN, asSessionId('s'));
const isIn = ({ pk, sk }: Key<unknown>, [from, to]: readonly [Key<unknown>, Key<unknown>]) =>
  pk === from.pk && pk === to.pk && sk >= from.sk && sk <= to.sk;

describe('P12: the items of a session', () => {
  const id = fc.stringMatching(/^[\w-]{1,64}$/);
  it('are all found with it, but the session itself, which outlives them; nothing of another one is', () => {
    fc.assert(
      fc.property(id, fc.nat(), (text, n) => {
        const answer = cachedAnswerKey(text);
        const parts = (session: typeof SESSION) => [
          laneKey(session, asLaneId(text)),
          messageKey(session, asMessageId(text)),
          contentKey(session, asTurnId(text)),
          outputKey(session, asRequestId(text), text),
          entryKey(session, n),
          eventsKey(session, n),
          summaryKey(session, n),
          fileKey(session, asFileId(text)),
          cacheNoteKey(session, answer),
        ];
        for (const key of parts(SESSION)) expect(isIn(key, partsRange(SESSION))).toBe(true);
        for (const other of [
          sessionOf(ANN, asSessionId('s2')),
          sessionOf({ ...ANN, subject: 'bob' }, asSessionId('s')),
        ])
          for (const key of parts(other)) expect(isIn(key, partsRange(SESSION))).toBe(false);
        expect(isIn(sessionKey(SESSION), partsRange(SESSION))).toBe(false);
        const keys = [sessionKey(SESSION), ...parts(SESSION)];
        expect(new Set(keys.map(({ sk }) => sk)).size).toBe(keys.length);
        // Those that lead out of it are known as such, and no others.
        expect(keys.filter((key) => fileIdOf(key) !== undefined)).toEqual([fileKey(SESSION, asFileId(text))]);
        expect(fileIdOf(fileKey(SESSION, asFileId(text)))).toBe(text);
        expect(keys.map(notedAnswer).filter((noted) => noted !== undefined)).toEqual([answer]);
        expect(keys.filter((key) => isIn(key, lanesRange(SESSION)))).toEqual([
          laneKey(SESSION, asLaneId(text)),
        ]);
        expect(laneIdOf(laneKey(SESSION, asLaneId(text)))).toBe(text);
        expect(connectionIdOf(connectionKey(asConnectionId(text)))).toBe(text);
      }),
    );
  });

  it('have keys of their principal alone, however it is written', () => {
    const name = fc.oneof(
      anyText({ minLength: 1, maxLength: 3 }),
      fc.constantFrom('a', 'a#', '#a', 'a%23', '%23', 'a#b', '##'),
    );
    fc.assert(
      fc.property(fc.tuple(name, name, name), fc.tuple(name, name, name), (a, b) => {
        const [first, second] = [a, b].map(([tenant, subject, sessionId]) => {
          const session = sessionOf({ tenant, subject }, asSessionId(sessionId));
          const rates = rateKey({ tenant, subject }, 'frames', 1).pk;
          const list = listingAt({ tenant, subject }, '').pk;
          return {
            session,
            rates,
            list,
            turns: principalTurnsKey(session).pk,
            spend: principalSpendKey(session, 'day').pk,
          };
        });
        expect(first?.session === second?.session).toBe(a.join('\n') === b.join('\n'));
        const isOne = a[0] === b[0] && a[1] === b[1];
        for (const which of ['rates', 'list', 'turns', 'spend'] as const)
          expect(first?.[which] === second?.[which]).toBe(isOne);
      }),
      { numRuns: 300 },
    );
  });
});

describe('keys in their order', () => {
  it('have numbers in the order of numbers, up to the largest', () => {
    const numbers = [0, 1, 9, 10, 99, 100, 1_800_000_000_000, 99_999_999_999_999];
    for (const key of [entryKey, eventsKey, summaryKey]) {
      const keys = numbers.map((n) => key(SESSION, n).sk);
      expect(keys.toSorted()).toEqual(keys);
      expect(key(SESSION, Number.MAX_SAFE_INTEGER).sk > key(SESSION, 1_800_000_000_000).sk).toBe(true);
    }
  });

  it('have sessions in the order in which they were made, and a position by which a page continues', () => {
    const made = [1, 20, 3000].map((created) =>
      listingKey(ANN, { created: created as never, sessionId: asSessionId('z') }),
    );
    expect(made.map(({ sk }) => sk).toSorted()).toEqual(made.map(({ sk }) => sk));
    for (const key of made) {
      expect(listingAt(ANN, listingPosition(key))).toEqual(key);
      expect(isIn(key, [listingAt(ANN, ''), listingAt(ANN, '~')])).toBe(true);
    }
  });

  it('have the shares of a tenant’s day together, and those of no other day or tenant', () => {
    const shares = [...'ABYZabyz0189-_'];
    for (const share of shares) {
      expect(isIn(tenantSpendKey(SESSION, '2026-11-30', share), tenantSpendKeys(SESSION, '2026-11-30'))).toBe(
        true,
      );
      expect(
        isIn(
          tenantSpendKey(SESSION, '2026-11-30', share),
          tenantSpendKeys(SESSION, '2026-11-29', '2026-12-01'),
        ),
      ).toBe(true);
      for (const day of ['2026-11-29', '2026-12-01', '2026-11-3'])
        expect(isIn(tenantSpendKey(SESSION, day, share), tenantSpendKeys(SESSION, '2026-11-30'))).toBe(false);
    }
    // A principal's day is in no range of its tenant.
    expect(principalSpendKey(SESSION, '2026-11-30').pk).not.toBe(
      tenantSpendKey(SESSION, '2026-11-30', 'A').pk,
    );
    expect(principalTurnsKey(SESSION).pk).not.toBe(tenantTurnsKey(SESSION).pk);
    const bob = sessionOf({ ...ANN, subject: 'bob' }, asSessionId('s'));
    expect(tenantTurnsKey(bob)).toEqual(tenantTurnsKey(SESSION));
  });

  it('P12: tell what is counted apart, minute by minute', () => {
    const keys = ['frames', 'aborts', 'connections', 'system', 'files'].flatMap((kind) =>
      [5, 6].map((window) => rateKey(ANN, kind, window).pk),
    );
    expect(new Set(keys).size).toBe(10);
    expect(tokenKey(asConnectionId('c')).pk).not.toBe(connectionKey(asConnectionId('c')).pk);
  });
});
