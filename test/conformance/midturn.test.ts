import { expect, it } from 'vitest';
import { RULES } from '../../conformance/rules/rules.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import { tryOut } from './subject.ts';

it(
  'the product with its demo model passes every rule, and none is skipped',
  async () => {
    const results = await tryOut({ parallel: 4 });
    const others = results.filter(({ outcome }) => outcome !== 'passed');
    expect(others.map(({ rule, outcome, reason }) => `${rule.name} ${outcome}: ${reason}`)).toEqual([]);
    expect(results.map(({ rule }) => rule.name)).toEqual(RULES.map(({ name }) => name));
  },
  LONG_TEST_MS,
);
