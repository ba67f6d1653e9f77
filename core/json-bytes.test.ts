import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyText } from '../test/support/text.ts';
import { fittingLength, jsonBytes } from './json-bytes.ts';

it('what fits of a text is the most of its code points that have so many bytes as JSON, and all of it where it fits', () => {
  fc.assert(
    fc.property(anyText(), fc.integer({ min: 1, max: 9 }), fc.nat(300), (part, times, bytes) => {
      const text = part.repeat(times);
      const points = [...text];
      let fits = 0;
      while (fits < points.length && jsonBytes(points.slice(0, fits + 1).join('')) <= bytes) fits++;
      expect(text.slice(0, fittingLength(text, bytes))).toBe(points.slice(0, fits).join(''));
    }),
    { examples: [['\u{1f600}', 2, 8]] },
  );
});
