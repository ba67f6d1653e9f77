import { expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../config/function-names.ts';
import { FIRST_EVENTS } from './first-call.ts';

it('there is a first call for each function', () => {
  expect(Object.keys(FIRST_EVENTS).toSorted()).toEqual([...FUNCTION_NAMES].toSorted());
});
