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

it('a message taken in at a later step steers, even if nothing was said before it', () => {
  expect(shape([user('a', applied('t1', 1)), user('b', applied('t1', 2)), text('one', 't1')])).toEqual([
    [['a'], ['user:b', 'one']],
  ]);
});
