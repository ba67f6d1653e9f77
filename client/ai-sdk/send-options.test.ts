import { expect, it } from 'vitest';
import { deliveryOf, optionsOf } from './send-options.ts';

const UNSUPPORTED = expect.objectContaining({ code: 'UNSUPPORTED' });

it('goes with the delivery and the options of the body, if they are such', () => {
  expect([undefined, {}, { delivery: 'now' }].map(deliveryOf)).toEqual([{}, {}, { delivery: 'now' }]);
  expect([undefined, {}, { options: undefined }, { options: { a: 1 } }].map(optionsOf)).toEqual([
    {},
    {},
    {},
    { options: { a: 1 } },
  ]);
  expect(() => deliveryOf({ delivery: 'later' })).toThrow(UNSUPPORTED);
  for (const options of [null, [], 'a', 7]) expect(() => optionsOf({ options })).toThrow(UNSUPPORTED);
});
