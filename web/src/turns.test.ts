import { expect, it } from 'vitest';
import type { Item, MessageState, UserItem } from '../../client/index.ts';
import { sectionsOf } from './turns.ts';

function user(id: string, state: MessageState): UserItem {
  return { kind: 'user', key: `user:${id}`, id, content: id, delivery: 'steer', state, withdrawing: false };
}
const applied = (turnId: string, step: number): MessageState => ({
  status: 'applied',
  turnId,
  step,
});
const text = (key: string, turnId: string): Item => ({ kind: 'text', key, turnId, content: key });
const shape = (items: Item[]) =>
  sectionsOf(items).map((section) =>
    section.kind === 'turn'
      ? [section.opening.map(({ id }) => id), section.answer.map(({ key }) => key)]
      : section.item.id,
  );

it('a steering message stands in the answer, where it was taken in; what began the turn stands before it', () => {
  const items = [
    user('a', applied('t1', 1)),
    user('b', applied('t1', 1)),
    text('one', 't1'),
    user('c', applied('t1', 2)),
    text('two', 't1'),
    user('d', applied('t2', 1)),
    text('three', 't2'),
    user('e', { status: 'sending' }),
  ];
  expect(shape(items)).toEqual([
    [
      ['a', 'b'],
      ['one', 'user:c', 'two'],
    ],
    [['d'], ['three']],
    'e',
  ]);
});

it('each section has a key of its own, which stays while its turn goes on', () => {
  const items = [
    user('a', applied('t1', 1)),
    text('one', 't1'),
    user('b', applied('t2', 1)),
    user('c', { status: 'sending' }),
  ];
  const keys = sectionsOf(items).map(({ key }) => key);
  expect(new Set(keys).size).toBe(3);
  const later = [...items.slice(0, 2), text('two', 't1'), ...items.slice(2)];
  expect(sectionsOf(later).map(({ key }) => key)).toEqual(keys);
});

it('a message taken in at a later step steers, even if nothing was said before it', () => {
  expect(shape([user('a', applied('t1', 1)), user('b', applied('t1', 2)), text('one', 't1')])).toEqual([
    [['a'], ['user:b', 'one']],
  ]);
});

it('a message that is not taken in stands by itself, though its turn is known; one that comes after words stands after them', () => {
  const waiting = user('w', { status: 'accepted', turnId: 't1', placement: 'steering', position: 0 });
  const queued = user('q', { status: 'queued', turnId: 't2', position: 1 });
  expect(
    shape([user('a', applied('t1', 1)), text('one', 't1'), user('b', applied('t1', 1)), waiting, queued]),
  ).toEqual([[['a'], ['one', 'user:b']], 'w', 'q']);
});
