import { expect, it } from 'vitest';
import { asLaneId } from './ids.ts';
import { contextOf, parseContext } from './message-context.ts';

const lane = asLaneId('lane');

it('a message has what its connection says and what it says itself, whose options replace the others as a whole', () => {
  const connection = {
    claims: '{"role":"cook"}',
    options: '{"tone":"é","deep":true}',
    locale: 'de',
    timeZone: 'Europe/Berlin',
    agent: 'cook',
    from: 'system',
  } as const;
  const all = {
    claims: { role: 'cook' },
    options: { tone: 'é', deep: true },
    locale: 'de',
    timeZone: 'Europe/Berlin',
    agent: 'cook',
    from: 'system',
  };
  expect(parseContext(contextOf(connection, undefined))).toEqual(all);
  expect(parseContext(contextOf(connection, { tone: 'dry' }))).toEqual({ ...all, options: { tone: 'dry' } });
  expect(parseContext(contextOf(connection, {}))).toEqual({ ...all, options: {} });
  expect(parseContext(contextOf({}, { tone: 'dry' }))).toEqual({ options: { tone: 'dry' } });
});

it('where there is nothing to say, nothing is stored', () => {
  expect(contextOf({}, undefined)).toBeUndefined();
  expect(contextOf({ lane }, undefined)).toBeUndefined();
  expect(parseContext(undefined)).toEqual({});
});

it('P12: names the lane by which the token of its sender is found, only if that is kept', () => {
  expect(parseContext(contextOf({ lane, keepsToken: true }, undefined))).toEqual({ tokenLane: 'lane' });
  expect(contextOf({ keepsToken: true }, undefined)).toBeUndefined();
  expect(contextOf({ lane, keepsToken: false }, undefined)).toBeUndefined();
});
