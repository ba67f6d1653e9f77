import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromStored, storedName, toStored } from './stored-names.ts';

test('what is stored under short names is read back under the names of the code', () => {
  const item = fc.dictionary(
    fc.constantFrom('lease', 'unspilled', 'previousIds', 'usage', 'seq', 'inbox', 'toString', 'outcome'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(item, (value) => {
      expect(fromStored(toStored(value))).toEqual({ ...value });
    }),
  );
});

test('the table keeps the attribute names that earlier versions wrote', () => {
  expect(toStored({ lease: 'a', commitId: 'b', unspilled: [], previousIds: {}, seq: 1 })).toEqual({
    holder: 'a',
    mark: 'b',
    tail: [],
    prev: {},
    seq: 1,
  });
  expect(storedName('constructor')).toBe('constructor');
});
