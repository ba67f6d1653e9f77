import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorReply, FrameOf, ServerFrame } from './protocol.ts';
import { type Draft, type Input, reduce } from './reduce.ts';
import { initialState, isBehind, type State } from './state.ts';
import { anyStory } from './testing/any-story.ts';
import { linesOfItems, linesOfStory, Story } from './testing/story.ts';

const frame = (state: State, ...frames: ServerFrame[]): State =>
  frames.reduce((before, next) => reduce(before, { type: 'frame', frame: next }), state);
const act = (state: State, ...inputs: Input[]): State => inputs.reduce(reduce, state);
const draft = (id: string): Draft => ({ id, content: `content of ${id}`, delivery: 'steer' });
const written = (...ids: string[]): State =>
  act(initialState('s'), ...ids.map((id): Input => ({ type: 'written', draft: draft(id) })));
const accepted = (
  id: string,
  placement: FrameOf<'accepted'>['placement'] = 'steering',
): FrameOf<'accepted'> => ({
  type: 'accepted',
  id,
  turn_id: 'turn-1',
  placement,
  position: 0,
});
const refusal = (id: string, code: ErrorReply['code']): ErrorReply => ({
  type: 'error',
  code,
  message: code,
  terminal: false,
  retryable: true,
  id,
});
const statuses = (state: State) => state.tail.map((item) => item.state.status);

/** Each event any number of times, in any order: what a bad network makes of a stream. */
const anyDelivery = (story: Story) =>
  fc.array(fc.nat({ max: story.events.length - 1 }), { maxLength: 3 * story.events.length });

/** The events after the client's own position, in order, as a server sends them when asked to resume. */
function resume(state: State, story: Story): State {
  const started = frame(state, story.sessionStart('lane-1'));
  return frame(started, ...story.events.slice(started.cursor));
}

const headOf = (line: string): string => line.slice(0, line.indexOf(':'));
/** Of a call without a result, and of data, what stands there is replaced in its place. */
const isReplaced = (line: string): boolean => /^\S+ (data|tool \S+: null$)/.test(line);

describe('events', () => {
  it('P9: lost, repeated and reordered, then resumed: the view equals what is stored', () => {
    fc.assert(
      fc.property(
        anyStory.chain((story) => fc.tuple(fc.constant(story), anyDelivery(story))),
        ([story, delivery]) => {
          const begun = frame(initialState('s'), new Story().sessionStart('lane-1'));
          const events = delivery.flatMap((index) => story.events[index] ?? []);
          const state = resume(frame(begun, ...events), story);
          expect(linesOfItems(state.items)).toEqual(linesOfStory(story));
          expect(isBehind(state)).toBe(false);
          expect(state.ahead.size).toBe(0);
          expect(state.activeTurn?.turnId).toBe(story.turn?.id);
        },
      ),
    );
  });

  it('P3: at every moment, what is shown is a prefix of what is stored', () => {
    fc.assert(
      fc.property(
        anyStory.chain((story) => fc.tuple(fc.constant(story), anyDelivery(story))),
        ([story, delivery]) => {
          let state = frame(initialState('s'), new Story().sessionStart('lane-1'));
          const whole = linesOfStory(story);
          for (const index of delivery) {
            const event = story.events[index];
            if (event) state = frame(state, event);
            const shown = linesOfItems(state.items);
            for (const [n, line] of shown.entries()) {
              const stored = whole[n] ?? '';
              if (isReplaced(line)) expect(headOf(stored)).toBe(headOf(line));
              else if (n < shown.length - 1) expect(stored).toBe(line);
              else expect(stored.startsWith(line)).toBe(true);
            }
          }
        },
      ),
    );
  });

  it('P9: a client with no memory, come at any moment: history and the replayed turn give the whole', () => {
    fc.assert(
      fc.property(
        anyStory,
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        fc.boolean(),
        (story, limit, isHistoryFirst, isStartRepeated) => {
          let state = frame(initialState('s'), story.sessionStart('lane-1'));
          const pages = (): void => {
            do state = frame(state, story.page({ before: state.pastNext, limit }));
            while (state.history.more);
          };
          if (isHistoryFirst) pages();
          if (isStartRepeated) state = frame(state, story.sessionStart('lane-1'));
          state = frame(state, ...story.events.slice(state.cursor));
          if (!isHistoryFirst) pages();
          expect(linesOfItems(state.items)).toEqual(linesOfStory(story));
        },
      ),
    );
  });

  it('a turn that begins between session_start and history is shown once', () => {
    const story = new Story();
    const start = story.sessionStart('lane-1');
    story.begin(['u1']);
    story.takeIn([{ id: 'u1', content: 'hello' }], 1);
    story.say('hi');
    story.end('done');
    const before = frame(initialState('s'), start, story.page({}), ...story.events);
    const after = frame(initialState('s'), start, ...story.events, story.page({}));
    expect(linesOfItems(before.items)).toEqual(linesOfStory(story));
    expect(linesOfItems(after.items)).toEqual(linesOfStory(story));
  });

  it('expired events give way to history and the running turn', () => {
    const story = new Story();
    const begun = frame(initialState('s'), story.sessionStart('lane-1'));
    for (const id of ['u1', 'u2', 'u3']) {
      story.begin([id]);
      story.takeIn([{ id, content: id }], 1);
      story.say('answer');
      if (id !== 'u3') story.end('done');
    }
    const first = story.events.slice(0, 3);
    const gap: ServerFrame = { type: 'history_gap', after_seq: 3, available_from: 9 };
    let state = frame(begun, ...first, story.sessionStart('lane-1'), gap);
    expect(state.history.status).toBe('unloaded');
    state = frame(state, story.page({}), ...story.events.slice(state.cursor));
    expect(linesOfItems(state.items)).toEqual(linesOfStory(story));
  });

  it('unchanged items keep their identity, and a frame without news the whole state', () => {
    const story = new Story();
    const begun = frame(initialState('s'), story.sessionStart('lane-1'));
    story.begin(['u1']);
    story.takeIn([{ id: 'u1', content: 'x' }], 1);
    story.say('a');
    story.say('b');
    const before = frame(begun, ...story.events.slice(0, 3));
    const after = frame(before, ...story.events);
    expect(after.items[0]).toBe(before.items[0]);
    expect(frame(after, ...story.events, { type: 'pong' })).toBe(after);
  });
});

describe('messages', () => {
  it('a local echo is replaced where the message was taken in, never doubled', () => {
    const story = new Story();
    let state = frame(
      written('m1', 'm2'),
      story.sessionStart('lane-1'),
      accepted('m1', 'turn'),
      accepted('m2'),
    );
    story.begin(['m1']);
    story.takeIn([{ id: 'm1', content: 'content of m1' }], 1);
    story.say('one ');
    state = frame(state, ...story.events);
    expect(state.items.map((item) => item.key)).toEqual(['user:m1', 'e3', 'user:m2']);
    story.takeIn([{ id: 'm2', content: 'content of m2' }], 2);
    story.say('two');
    state = frame(state, ...story.events);
    expect(state.items.map((item) => item.kind)).toEqual(['user', 'text', 'user', 'text']);
    expect(state.pending).toEqual([]);
    expect(state.items[2]).toMatchObject({
      id: 'm2',
      state: { status: 'applied', turnId: 'turn-1', step: 2 },
    });
  });

  it('a fate beats the acknowledgement in whatever order and number they come', () => {
    const fates: ServerFrame[] = [
      refusal('m1', 'SESSION_QUEUE_TIMEOUT'),
      { type: 'cancelled', ids: ['m1'], reason: 'withdrawn' },
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...fates),
        fc.array(fc.constant<ServerFrame>(accepted('m1')), { maxLength: 3 }),
        fc.array(fc.constant<ServerFrame>(accepted('m1')), { maxLength: 3 }),
        (fate, before, after) => {
          const state = frame(written('m1'), ...before, fate, ...after);
          expect(statuses(state)).toEqual([fate.type === 'error' ? 'rejected' : 'cancelled']);
          expect(state.pending).toEqual([]);
        },
      ),
    );
  });

  it('what the transcript holds beats everything, also a presumption of loss', () => {
    const story = new Story();
    story.begin(['m1']);
    story.takeIn([{ id: 'm1', content: 'content of m1' }], 1);
    const lost = act(written('m1'), { type: 'lane_lost', ids: new Set(['m1']) });
    expect(statuses(lost)).toEqual(['rejected']);
    const byEvents = frame(lost, new Story().sessionStart('lane-2'), ...story.events, accepted('m1'));
    expect(linesOfItems(byEvents.items)).toEqual(linesOfStory(story));
    expect(byEvents.items).toHaveLength(1);
    story.say('x');
    story.end('done');
    const byHistory = frame(lost, story.sessionStart('lane-2'), story.page({}));
    expect(byHistory.items.map((item) => item.kind)).toEqual(['user', 'text', 'turn_end']);
  });

  it('a withdrawal that comes too late leaves the message as it is', () => {
    const asked = act(frame(written('m1'), accepted('m1')), { type: 'withdrawn', id: 'm1', unsent: false });
    expect(asked.tail[0]).toMatchObject({ withdrawing: true, state: { status: 'accepted' } });
    const late = frame(asked, refusal('m1', 'NOT_PENDING'));
    expect(late.tail[0]).toMatchObject({ withdrawing: false, state: { status: 'accepted' } });
  });

  it('a passing trouble of the server is not a fate', () => {
    const state = frame(written('m1', 'm2'), refusal('m1', 'RATE_LIMITED'), refusal('m2', 'INTERNAL'));
    expect(statuses(state)).toEqual(['sending', 'sending']);
  });

  it('a refused message does not cut the running answer in two', () => {
    const story = new Story();
    const begun = frame(written('m1'), story.sessionStart('lane-1'));
    story.begin(['u1']);
    story.takeIn([{ id: 'u1', content: 'x' }], 1);
    story.say('one ');
    story.say('two');
    const state = frame(
      begun,
      ...story.events.slice(0, 3),
      refusal('m1', 'STEERING_QUEUE_FULL'),
      ...story.events,
    );
    expect(state.items.map((item) => item.kind)).toEqual(['user', 'text', 'user']);
    expect(act(state, { type: 'dismissed', id: 'm1' }).items).toHaveLength(2);
  });
});
