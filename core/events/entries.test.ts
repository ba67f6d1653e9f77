import fc from 'fast-check';
import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import { asTurnId } from '../ids.ts';
import { entriesOf } from './entries.ts';
import { type EventDraft, numbered } from './events.ts';

const turn = asTurnId('t');

it('P3: the entries of a long answer are its text, cut between whole characters, each for one frame', () => {
  // Long runs of characters of one and two units, so that a limit falls within one.
  const run = fc
    .tuple(fc.constantFrom('x', '😀', '€', '\u0001'), fc.integer({ min: 0, max: 12_000 }))
    .map(([character, count]) => character.repeat(count));
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 6 }), (chunks) => {
      let offset = 0;
      const drafts: EventDraft[] = [
        { type: 'turn_start', message_ids: [], entry: 1, at: epochMs(1) },
        ...chunks.map((content): EventDraft => {
          const chunk = { type: 'chunk', content, offset } as const;
          offset += content.length;
          return chunk;
        }),
      ];
      const entries = entriesOf(
        drafts.map((draft, i) => numbered(draft, i + 1, turn)),
        'include',
      );
      const texts = entries.map((entry) => (entry.role === 'assistant' ? entry.content : ''));
      expect(texts.join('')).toBe(chunks.join(''));
      for (const text of texts) {
        expect(text.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(JSON.stringify(text))).toBeLessThanOrEqual(MAX_CONTENT_BYTES + 2);
      }
    }),
    { numRuns: 40 },
  );
});
