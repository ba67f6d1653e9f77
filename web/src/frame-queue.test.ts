import { expect, it } from 'vitest';
import { FrameQueue } from './frame-queue.ts';

function given() {
  const frames: (() => void)[] = [];
  return {
    frames,
    queue: new FrameQueue((run) => frames.push(run)),
    paint() {
      for (const run of frames.splice(0)) run();
    },
  };
}

it('a painted frame does one part of the work, what was asked for last first', () => {
  const { queue, frames, paint } = given();
  const done: string[] = [];
  for (const name of ['one', 'two', 'three']) queue.add(() => done.push(name));
  expect(frames).toHaveLength(1);
  paint();
  expect(done).toEqual(['three']);
  paint();
  paint();
  expect(done).toEqual(['three', 'two', 'one']);
  expect(frames).toHaveLength(0);
});

it('what is taken back is not done, and takes no other part its frame', () => {
  const { queue, paint } = given();
  const done: string[] = [];
  queue.add(() => done.push('one'));
  const takeBack = queue.add(() => done.push('two'));
  takeBack();
  paint();
  expect(done).toEqual(['one']);
});

it('a part that asks for the next one gets it in the frame after', () => {
  const { queue, frames, paint } = given();
  let parts = 0;
  const next = (): void => {
    parts += 1;
    if (parts < 3) queue.add(next);
  };
  queue.add(next);
  for (const painted of [1, 2, 3]) {
    expect(frames).toHaveLength(1);
    paint();
    expect(parts).toBe(painted);
  }
  expect(frames).toHaveLength(0);
});
