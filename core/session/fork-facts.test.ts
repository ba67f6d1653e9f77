import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { MAX_LABEL_LENGTH } from '../../protocol/limits.ts';
import { anyText } from '../../test/support/text.ts';
import { asSessionId } from '../ids.ts';
import type { PromptShape } from '../model.ts';
import type { Session } from '../store/items.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { forkFacts, nextName } from './fork-facts.ts';

const origin: Session = {
  principal: { tenant: 'acme', subject: 'ann' },
  sessionId: asSessionId('old'),
  created: epochMs(7),
  queue: {},
  audience: {},
  seq: 100,
  entry: 50,
  trusted: ['pay'],
  revocations: 3,
  expires: epochSeconds(1),
};
const countedFor = { tenant: 'acme', subject: 'pays' };
const core = memoryCore({ clock: { now: () => epochMs(1000), sleep: async () => {} } });
const factsOf = (
  session: Partial<Session>,
  before: number,
  more: { name?: string; countedFor?: typeof countedFor } = {},
) =>
  forkFacts(
    core,
    { ...origin, ...session },
    {
      sessionId: asSessionId('new'),
      name: more.name,
      seq: 88,
      before,
      countedFor: more.countedFor,
    },
  );

describe('a fork', () => {
  it('says what it is of, whose bytes count, and trusts nothing', () => {
    expect(factsOf({ agent: 'cook', name: 'Soup' }, 12, { countedFor })).toEqual({
      principal: origin.principal,
      sessionId: 'new',
      created: 1000,
      seq: 88,
      entry: 11,
      forkedFrom: { sessionId: 'old', before: 12 },
      copying: { created: 7, to: 0, countedFor },
      name: 'Soup (2)',
      agent: 'cook',
      expires: expect.any(Number),
    });
    expect(factsOf({}, 12)).not.toHaveProperty('name');
    expect(factsOf({ name: 'Soup' }, 12, { name: 'Stew' })).toMatchObject({ name: 'Stew' });
  });

  it('P11: knows of prompts what is about entries before its cut, and nothing of that and later ones', () => {
    const entry = fc.integer({ min: 1, max: 20 });
    const shapes = fc.record<PromptShape>(
      {
        model: fc.constant('p:m'),
        alternating: fc.constant(true as const),
        imagesTo: entry,
        plainTo: entry,
        unthoughtTo: entry,
        from: entry,
        without: fc.array(entry.map((last) => ({ first: Math.max(1, last - 2), last }))),
        bareSince: entry,
      } as never,
      { requiredKeys: ['model'] },
    );
    fc.assert(
      fc.property(entry, shapes, entry, entry, (before, shape, promptFrom, compactedTo) => {
        const facts = factsOf({ promptShapes: [shape], promptFrom, compactedTo }, before);
        // A prompt may begin where the fork will go on.
        expect(facts.promptFrom).toBe(promptFrom <= before ? promptFrom : undefined);
        expect(facts.compactedTo).toBe(compactedTo < before ? compactedTo : undefined);
        const upTo = (n: number | undefined) => (n === undefined ? undefined : Math.min(n, before - 1));
        expect({ ...facts.promptShapes?.[0] }).toEqual({
          model: 'p:m',
          alternating: shape.alternating,
          imagesTo: upTo(shape.imagesTo),
          plainTo: upTo(shape.plainTo),
          unthoughtTo: upTo(shape.unthoughtTo),
          from: shape.from !== undefined && shape.from <= before ? shape.from : undefined,
          without: shape.without?.filter(({ last }) => last < before),
          bareSince: shape.bareSince !== undefined && shape.bareSince < before ? shape.bareSince : undefined,
        });
      }),
    );
  });
});

it('the name of a fork counts on, is no longer than a name may be, and has whole characters', () => {
  fc.assert(
    fc.property(
      anyText({ minLength: 1, maxLength: 150 }),
      fc.constantFrom('', ' (2)', ' (99)', ' (9998)'),
      (text, count) => {
        const name = `${text.slice(0, 300)}${count}`;
        const next = nextName(name);
        expect(next.length).toBeLessThanOrEqual(MAX_LABEL_LENGTH);
        expect(next.endsWith(` (${count ? Number.parseInt(count.slice(2), 10) + 1 : 2})`)).toBe(true);
      },
    ),
  );
  for (const longer of [0, 1, 2])
    expect(nextName(`${'x'.repeat(longer)}${'😀'.repeat(100)}`).isWellFormed()).toBe(true);
});
