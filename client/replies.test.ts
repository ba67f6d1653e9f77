import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorReply, FrameOf, ServerFrame } from './protocol.ts';
import { type Input, reduce } from './reduce.ts';
import { initialState, isBehind, type MessageState, type State } from './state.ts';
import { linesOfItems, linesOfStory, Story } from './testing/story.ts';

const act = (state: State, ...inputs: Input[]): State => inputs.reduce(reduce, state);
const frame = (state: State, ...frames: ServerFrame[]): State =>
  act(state, ...frames.map((one): Input => ({ type: 'frame', frame: one })));
const written = (id: string, delivery: 'steer' | 'queue' | 'now' = 'steer'): Input => ({
  type: 'written',
  draft: { id, content: `content of ${id}`, delivery },
});
const error = (code: ErrorReply['code'], more: Partial<ErrorReply> = {}): ErrorReply => ({
  type: 'error',
  code,
  message: 'why',
  terminal: false,
  retryable: true,
  ...more,
});
const accepted = (id: string): FrameOf<'accepted'> => ({
  type: 'accepted',
  id,
  turn_id: 'turn-1',
  placement: 'queued',
  position: 0,
});
const stateOf = (state: State, id: string): MessageState | undefined =>
  state.items.flatMap((item) => (item.kind === 'user' && item.id === id ? item.state : []))[0];

/** A story of turns that each say something, the last of which runs. */
function running(...ids: string[]): Story {
  const story = new Story();
  for (const [at, id] of ids.entries()) {
    if (at > 0) story.end('done');
    story.begin([id]);
    story.takeIn([{ id, content: id }], 1);
    story.say(`answer to ${id}`);
  }
  return story;
}
const begun = (story = new Story()): State => frame(initialState('s'), story.sessionStart('lane-1'));

describe('session_start', () => {
  it('that says nothing of a name or an agent takes none away; the agents are those of the newest', () => {
    const start = new Story().sessionStart('lane-1');
    const named = frame(initialState('s'), {
      ...start,
      name: 'Trip',
      agent: 'sales',
      agents: ['sales', 'help'],
    });
    expect(named).toMatchObject({ name: 'Trip', agent: 'sales', agents: ['sales', 'help'] });
    expect(frame(named, start)).toMatchObject({ name: 'Trip', agent: 'sales', agents: [] });
  });

  it('P9: that is older than an event which is here does not hide that events are missing', () => {
    const story = running('u1');
    const state = frame(begun(), ...story.events.slice(2));
    expect(isBehind(frame(state, new Story().sessionStart('lane-1')))).toBe(true);
  });

  it.each([
    [{ message_count: 0, last_seq: 0 }, 'loaded'],
    [{ message_count: 0, last_seq: 3 }, 'unloaded'],
    [{ message_count: 1, last_seq: 0 }, 'unloaded'],
  ])('%o: the page of history is %s', (counts, status) => {
    const start = { ...new Story().sessionStart('lane-1'), ...counts };
    expect(frame(initialState('s'), start).history).toEqual({ status, more: false });
  });

  it('tells when the running turn began, and of another turn nothing', () => {
    const story = running('u1');
    const state = frame(begun(), ...story.events);
    expect(state.activeTurn?.startedAt).toBeUndefined();
    expect(frame(state, story.sessionStart('lane-1')).activeTurn?.startedAt).toBe(1);
    const other = { turn_id: 'turn-9', started_at: 9, first_seq: 9 };
    expect(frame(state, { ...story.sessionStart('lane-1'), active_turn: other }).activeTurn).toEqual(
      state.activeTurn,
    );
  });

  it('P9: events begin with the running turn, or with those that are not counted yet', () => {
    fc.assert(
      fc.property(fc.nat(9), fc.option(fc.integer({ min: 1, max: 12 })), (last_seq, first_seq) => {
        const active = first_seq === null ? {} : { active_turn: { turn_id: 't', started_at: 1, first_seq } };
        const { cursor } = frame(initialState('s'), {
          ...new Story().sessionStart('l'),
          last_seq,
          ...active,
        });
        expect(cursor).toBe(first_seq === null ? last_seq : Math.min(first_seq - 1, last_seq));
      }),
    );
  });

  it('P9: events that came before it and are of before it are not kept', () => {
    const story = running('u1');
    story.end('done');
    const state = frame(initialState('s'), ...story.events, story.sessionStart('lane-1'));
    expect(state.ahead.size).toBe(0);
    expect(state.cursor).toBe(story.events.length);
  });
});

describe('history_gap', () => {
  const story = running('u1', 'u2', 'u3');
  const gap: FrameOf<'history_gap'> = { type: 'history_gap', after_seq: 3, available_from: 10 };
  const state = frame(begun(), ...story.events.slice(0, 3), story.sessionStart('lane-1'));

  it('P9: goes on with the first event that can be had, and the page of before', () => {
    const next = frame(state, gap);
    expect(next).toMatchObject({ cursor: 9, live: [], past: [], pastNext: undefined });
    expect(frame(next, ...story.events.slice(9)).cursor).toBe(story.events.length);
    // Pages begin anew, although older ones were read before.
    const read = frame(state, story.page({ limit: 1 }), story.page({ limit: 1, before: 5 }), gap);
    expect(frame(read, story.page({ limit: 1 })).pastNext).toBe(story.page({ limit: 1 }).next);
  });

  it('P9: of another place says nothing: it answers an earlier request', () => {
    expect(frame(state, { ...gap, after_seq: 2 })).toBe(state);
  });
});

describe('history', () => {
  it('that is repeated does not lead forward again', () => {
    const story = running('u1', 'u2', 'u3');
    story.end('done');
    const newest = story.page({ limit: 2 });
    const older = story.page({ limit: 2, before: newest.next });
    const state = frame(begun(story), newest, older);
    expect(state.pastNext).toBe(older.next);
    expect(frame(state, newest)).toMatchObject({ pastNext: older.next, history: { more: true } });
    expect(linesOfItems(frame(state, newest).items)).toEqual(linesOfItems(state.items));
  });

  it('P1: takes the place of a message that was presumed lost, wherever that stands, and says at which step it was applied', () => {
    const other = running('u1');
    const lost = act(begun(), written('m1'), { type: 'lane_lost', ids: new Set(['m1']) });
    // A turn begins, so that the lost message stands above it.
    const above = frame(lost, ...other.events);
    const entry = {
      n: 1,
      turn_id: 'turn-0',
      role: 'user',
      id: 'm1',
      content: 'content of m1',
      at: 0,
      step: 3,
    } as const;
    const state = frame(above, { type: 'history', entries: [entry] });
    expect(linesOfItems(state.items)).toEqual(['turn-0 user m1: "content of m1"', ...linesOfStory(other)]);
    expect(state.items.filter((item) => item.kind === 'user' && item.id === 'm1')).toMatchObject([
      { state: { status: 'applied', turnId: 'turn-0', step: 3 } },
    ]);
  });
});

describe('a message', () => {
  const FATES: ServerFrame[] = [
    error('SESSION_QUEUE_FULL', { id: 'm1' }),
    { type: 'cancelled', ids: ['m1'], reason: 'withdrawn' },
    error('STEERING_QUEUE_FULL', { id: 'm1' }),
  ];

  it('keeps the first of its fates, and is withdrawing no more; a later withdrawal changes nothing', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(FATES, { minLength: 1 }), (fates) => {
        const asked = act(frame(act(begun(), written('m1')), accepted('m1')), {
          type: 'withdrawn',
          id: 'm1',
          unsent: false,
        });
        expect(asked.tail).toMatchObject([{ withdrawing: true }]);
        const decided = frame(asked, ...fates.slice(0, 1));
        expect(decided.tail).toMatchObject([{ withdrawing: false }]);
        const later = act(frame(decided, ...fates.slice(1)), { type: 'withdrawn', id: 'm1', unsent: false });
        expect(later.tail).toEqual(decided.tail);
      }),
    );
  });

  it('that is refused says why, which limit it met, and when it can be sent again', () => {
    const more = { id: 'm1', limit: 64, depth: 65, retry_after_ms: 5, until: 7, retryable: false };
    expect(stateOf(frame(act(begun(), written('m1')), error('BUDGET_EXCEEDED', more)), 'm1')).toEqual({
      status: 'rejected',
      code: 'BUDGET_EXCEEDED',
      message: 'why',
      retryable: false,
      limit: 64,
      depth: 65,
      retryAfterMs: 5,
      until: 7,
    });
  });

  it('whose lane is lost may be sent again', () => {
    const state = act(begun(), written('m1'), { type: 'lane_lost', ids: new Set(['m1']) });
    expect(stateOf(state, 'm1')).toMatchObject({ status: 'rejected', code: 'LANE_LOST', retryable: true });
  });

  it.each(['RATE_LIMITED', 'TOKEN_EXPIRED', 'INTERNAL', 'INVALID_TOOL_OUTPUT'] as const)(
    'P1: is not refused by %s, which says nothing of it',
    (code) => {
      const state = frame(act(begun(), written('m1')), error(code, { id: 'm1' }));
      expect(stateOf(state, 'm1')).toEqual({ status: 'sending' });
    },
  );

  it('is dismissed once it is refused, wherever it stands, and in no other state', () => {
    const dismiss = (state: State, id: string) => act(state, { type: 'dismissed', id });
    const pending = frame(act(begun(), written('m1')), accepted('m1'));
    expect(stateOf(dismiss(pending, 'm1'), 'm1')).toEqual(stateOf(pending, 'm1'));
    const refused = frame(pending, error('SESSION_QUEUE_FULL', { id: 'm1' }));
    expect(stateOf(dismiss(refused, 'm1'), 'm1')).toBeUndefined();
    const above = frame(refused, ...running('u1').events);
    expect(above.items.map((item) => item.kind)).toEqual(['user', 'user', 'text']);
    expect(above.items[0]).toMatchObject({ id: 'm1' });
    expect(stateOf(dismiss(above, 'm1'), 'm1')).toBeUndefined();
    expect(dismiss(above, 'u1').items).toEqual(above.items);
  });

  it('keeps how it was sent when it is taken in, and its step is that of the turn', () => {
    for (const delivery of ['steer', 'queue', 'now'] as const) {
      const story = running('u1');
      story.takeIn([{ id: 'm1', content: 'content of m1' }], 2);
      const state = frame(act(begun(), written('m1', delivery)), ...story.events);
      expect(state.items.at(-1)).toMatchObject({ id: 'm1', delivery });
      expect(state.activeTurn?.step).toBe(2);
    }
  });
});

describe('other replies', () => {
  it('an abort that found no turn is over', () => {
    const stopping = act(frame(begun(), ...running('u1').events), { type: 'stop_asked' });
    expect(stopping.activeTurn?.stopping).toBe(true);
    expect(frame(stopping, error('NO_ACTIVE_TURN')).activeTurn?.stopping).toBe(false);
  });

  it('the name of another session is not this one’s', () => {
    const renamed = (session_id: string) =>
      frame(begun(), { type: 'renamed', session_id, name: 'Trip' }).name;
    expect([renamed('s'), renamed('x')]).toEqual(['Trip', undefined]);
  });

  it('trusts of the same count of revocations are the newest that came, and of an earlier count are none', () => {
    const trusted = (names: string[], revocations: number): ServerFrame => ({
      type: 'trusted',
      trusted: names,
      revocations,
    });
    const state = frame(begun(), trusted(['a'], 0), trusted(['a', 'b'], 0));
    expect(state.trusted).toEqual(['a', 'b']);
    expect(frame(state, trusted(['c'], 2), trusted(['a', 'b'], 1)).trusted).toEqual(['c']);
  });

  it('a question that was resolved is not open again for an answer that comes later', () => {
    const story = running('u1');
    story.ask('r1');
    story.resolve('r1', 'deny', 'bob');
    const state = frame(begun(), ...story.events);
    const late = act(state, { type: 'approval_answered', requestId: 'r1', decision: 'approve' });
    expect(frame(late, error('INVALID_APPROVAL_RESPONSE', { id: 'r1' })).items).toEqual(state.items);
  });

  it('a server that lost the session: what was not taken in stays, and so does the connection', () => {
    const online = act(frame(begun(), ...running('u1').events), {
      type: 'connection',
      connection: { status: 'online' },
    });
    const state = act(online, written('m1'), { type: 'session_lost' });
    expect(state).toMatchObject({ connection: { status: 'online' }, cursor: undefined, sessionId: 's' });
    expect(state.items).toMatchObject([{ kind: 'user', id: 'm1' }]);
  });
});

describe('events that are ahead of a missing one', () => {
  it.each([
    [0, false],
    [1, false],
    [1, true],
  ])(
    'P9: a thousand are kept, the nearest of those that came: of %i more, backwards: %s',
    (beyond, isBackwards) => {
      const story = running('u1');
      while (story.events.length < 1001 + beyond) story.say('x');
      const later = story.events.slice(1);
      const state = frame(begun(), ...(isBackwards ? later.reverse() : later));
      expect(state.ahead.size).toBe(1000);
      const next = frame(state, ...story.events.slice(0, 1));
      expect(next.cursor).toBe(1001);
      expect(isBehind(next)).toBe(beyond > 0);
    },
  );
});
