import { describe, expect, it } from 'vitest';
import type { EventFrame } from '../index.ts';
import { read } from '../testing/given-transport.ts';
import { AnswerStreams, type Left } from './answer-streams.ts';
import { answerOf } from './forked.ts';
import { held } from './held-events.ts';
import type { Chunk } from './ui-message.ts';

const settle = () => new Promise(setImmediate);
const chunk = (delta: string): Chunk => ({ type: 'text-delta', id: 't', delta });
const textOf = ({ chunks }: { chunks: readonly Chunk[] }) =>
  chunks.map((one) => (one.type === 'text-delta' ? one.delta : one.type)).join(' ');

/** A stream whose text the test writes. */
function given(streams: AnswerStreams) {
  let end = (_: Left | Error): void => {};
  let write = (_: Chunk): void => {};
  const stream = streams.open((tell) => {
    write = tell;
    return new Promise((resolve, reject) => {
      end = (how) => (how instanceof Error ? reject(how) : resolve(how));
    });
  });
  const say = async (...texts: string[]) => {
    for (const text of texts) write(chunk(text));
    await settle();
  };
  const leave = async (how: Left | Error = 'over') => {
    end(how);
    await settle();
  };
  return { stream, say, leave };
}

describe('the streams of a page', () => {
  it('end together, when none of them has anything to come, which is told once', async () => {
    let idle = 0;
    const streams = new AnswerStreams(() => (idle += 1));
    expect(streams.isBusy).toBe(false);
    const [one, two] = [given(streams), given(streams)];
    const reads = [one, two].map(({ stream }) => read(stream));
    await one.say('a');
    await one.leave();
    expect([reads.map(({ isOver }) => isOver), streams.isBusy, idle]).toEqual([[false, false], true, 0]);
    let isIdle = false;
    void streams.idle().then(() => (isIdle = true));
    await two.say('b');
    expect(isIdle).toBe(false);
    await two.leave();
    expect([reads.map(({ isOver }) => isOver), streams.isBusy, idle]).toEqual([[true, true], false, 1]);
    expect([isIdle, reads.map(textOf)]).toEqual([true, ['a', 'b']]);
    await streams.idle();
  });

  it('of which one waits for the page: that one ends at once', async () => {
    const streams = new AnswerStreams(() => {});
    const [one, two] = [given(streams), given(streams)];
    const reads = [one, two].map(({ stream }) => read(stream));
    await one.leave('waits for page');
    expect(reads.map(({ isOver }) => isOver)).toEqual([true, false]);
    expect(streams.isBusy).toBe(true);
  });

  it.each([
    [new Error('why'), 'why'],
    ['a text' as unknown as Error, 'a text'],
  ])('fail with the words of what they threw: %o', async (error, errorText) => {
    const streams = new AnswerStreams(() => {});
    const told = read(
      streams.open(async () => {
        throw error;
      }),
    );
    await settle();
    expect(told).toEqual({ chunks: [{ type: 'error', errorText }], isOver: true });
    expect(streams.isBusy).toBe(false);
  });

  it('that nobody reads any more hold nobody up', async () => {
    let idle = 0;
    const streams = new AnswerStreams(() => (idle += 1));
    const [one, two] = [given(streams), given(streams)];
    const other = read(two.stream);
    await one.stream.cancel();
    await one.say('nobody hears');
    await two.leave();
    expect([other.isOver, idle]).toEqual([false, 0]);
    await one.leave(new Error('nobody hears'));
    expect([other.isOver, idle]).toEqual([true, 1]);
  });
});

describe('streams that are held', () => {
  it('tell nothing until they are released, and then all of it, in order', async () => {
    const streams = new AnswerStreams(() => {});
    const one = given(streams);
    const told = read(one.stream);
    await one.say('a');
    streams.hold();
    await one.say('b', 'c');
    streams.hold();
    await one.leave();
    expect([textOf(told), told.isOver]).toEqual(['a', false]);
    streams.release();
    await settle();
    expect([textOf(told), told.isOver]).toEqual(['a b c', true]);
  });

  it('and released go on, beside those that were opened meanwhile', async () => {
    const streams = new AnswerStreams(() => {});
    const one = given(streams);
    const told = read(one.stream);
    streams.hold();
    const other = given(streams);
    const latest = read(other.stream);
    await other.say('x');
    streams.release();
    await one.say('a');
    await other.say('y');
    expect([textOf(told), textOf(latest)]).toEqual(['a', 'x y']);
  });

  it('and handed over tell nothing more, and end when the heir has told all', async () => {
    const [streams, heir] = [new AnswerStreams(() => {}), new AnswerStreams(() => {})];
    const [one, next] = [given(streams), given(heir)];
    const told = read(one.stream);
    streams.hold();
    const later = given(streams);
    const latest = read(later.stream);
    await one.say('a');
    streams.handOver(heir);
    await later.say('b');
    await one.leave();
    expect([told, textOf(latest), latest.isOver]).toEqual([{ chunks: [], isOver: false }, 'b', false]);
    let isIdle = false;
    void streams.idle().then(() => (isIdle = true));
    await settle();
    expect(isIdle).toBe(false);
    await next.leave();
    expect([told, latest.isOver, isIdle]).toEqual([{ chunks: [], isOver: true }, false, false]);
    await later.leave();
    expect([latest.isOver, isIdle]).toEqual([true, true]);
  });
});

describe('events that are held', () => {
  const event = (seq: number) => ({ type: 'chunk', seq, turn_id: 't', content: '', offset: 0 }) as EventFrame;
  function source(fails = false) {
    const told = { asked: 0, isLeft: false };
    const events = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          told.asked += 1;
          if (fails && told.asked > 1) throw new Error('gone');
          if (told.asked > 2) return { done: true as const, value: undefined };
          return { done: false as const, value: event(told.asked) };
        },
        return: async () => {
          told.isLeft = true;
          return { done: true as const, value: undefined };
        },
      }),
    };
    return { told, events };
  }
  const readAll = async (events: AsyncIterable<EventFrame>) => {
    const seen: number[] = [];
    for await (const { seq } of events) seen.push(seq);
    return seen;
  };

  it('are asked for at once, and read whole later, or let go of unread', async () => {
    const { told, events } = source();
    const kept = held(events);
    await settle();
    expect(told).toEqual({ asked: 1, isLeft: false });
    expect(await readAll(kept)).toEqual([1, 2]);
    expect(told.isLeft).toBe(true);
    const unread = source();
    held(unread.events).release();
    expect(unread.told.isLeft).toBe(true);
  });

  it('that fail fail for who reads them', async () => {
    await expect(readAll(held(source(true).events))).rejects.toThrow('gone');
    const failing = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('at once')) }) };
    const kept = held(failing as never);
    await settle();
    await expect(readAll(kept)).rejects.toThrow('at once');
  });
});

describe('an answer of a fork', () => {
  it('has its place at once, and then what the fork says', async () => {
    let give = (_: ReadableStream<Chunk>) => {};
    const told = read(answerOf('m1', new Promise((resolve) => (give = resolve))));
    await settle();
    expect(told).toEqual({ chunks: [{ type: 'start', messageId: 'answer-m1' }], isOver: false });
    give(
      new ReadableStream<Chunk>({
        start(controller) {
          for (const text of ['a', 'b']) controller.enqueue(chunk(text));
          controller.close();
        },
      }),
    );
    await settle();
    await settle();
    expect(told.isOver).toBe(true);
    expect(textOf(told)).toBe('start a b');
  });

  it('fails as the fork fails', async () => {
    const reader = answerOf('m1', Promise.reject(new Error('no fork'))).getReader();
    await reader.read();
    await expect(reader.read()).rejects.toThrow('no fork');
  });
});
