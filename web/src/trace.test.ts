import { expect, it, vi } from 'vitest';
import { Trace } from './trace.ts';

it('the frames of a connection are the latest 300, numbered from the first one; who has left is not told', () => {
  const trace = new Trace();
  const told = vi.fn();
  const leave = trace.subscribe(told);
  for (let n = 1; n <= 301; n++) trace.add(n % 2 === 0 ? 'in' : 'out', `{"type":"t${n}","n":${n}}`);
  const frames = trace.getSnapshot();
  expect([frames.length, frames[0]?.number, frames.at(-1)?.number]).toEqual([300, 2, 301]);
  expect(frames[0]).toMatchObject({ direction: 'in', type: 't2', text: '{"type":"t2","n":2}' });
  leave();
  expect(trace.add('in', 'no frame').type).toBe('?');
  expect(told).toHaveBeenCalledTimes(301);
});
