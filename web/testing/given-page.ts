import { act, createElement } from 'react';
import { afterEach, beforeEach, vi } from 'vitest';
import type { ClientFrame, FrameOf, ServerFrame } from '../../client/protocol.ts';
import { last } from '../../client/testing/last.ts';
import { type FakeSocket, fakeSockets } from '../../client/testing/socket.ts';
import { Story } from '../../client/testing/story.ts';
import { App } from '../src/app.tsx';
import { named, press, rendered, unmountAll, write } from './rendered.ts';

beforeEach(() => {
  vi.useFakeTimers();
  // Pauses between attempts are random.
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  unmountAll();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  localStorage.clear();
  sessionStorage.clear();
  location.hash = '';
});

const SERVER = 'wss://example.test/prod';
type Listed = FrameOf<'sessions'>['sessions'][number];

interface Given {
  /** What is in the session. */
  story?: Story;
  start?: Partial<FrameOf<'session_start'>>;
  /** The server's list of sessions. */
  listed?: Listed[];
  /** What the server answers instead of its usual answer. Undefined: the usual one. An empty list: nothing. */
  answers?: (frame: ClientFrame) => ServerFrame[] | undefined;
  /** False: no handshake succeeds. */
  lets?: () => boolean;
}

export type GivenPage = Awaited<ReturnType<typeof givenPage>>;

/**
 * The whole page over scripted sockets, at the session `s` or the one of the address. Its time passes only when the test says so. A file that
 * uses it has fake timers, and a browser's storage that is empty before each test.
 */
export async function givenPage({
  story = new Story(),
  start,
  listed = [],
  answers,
  lets = () => true,
}: Given = {}) {
  const { WebSocket, sockets } = fakeSockets((socket) => {
    socket.onsent = (frame) => {
      const usual = usualAnswer(frame, { story, start, listed, lane: `lane-${sockets.length}` });
      setTimeout(() => socket.deliver(...(answers?.(frame) ?? usual)), 1);
    };
    setTimeout(() => (lets() ? socket.accept() : socket.cut()), 1);
  });
  vi.stubGlobal('WebSocket', WebSocket);
  if (!location.hash) location.hash = '#session=s';
  const { root, unmount } = rendered(createElement(App, { server: SERVER }));
  let seen = location.hash;
  /** Time passes, and the page hears of a change of its address, as a browser tells it: happy-dom does so in real time. */
  const pass = async (ms = 50) => {
    await act(() => vi.advanceTimersByTimeAsync(ms));
    if (location.hash === seen) return;
    act(() => void window.dispatchEvent(new Event('hashchange')));
    await act(() => vi.advanceTimersByTimeAsync(ms));
    seen = location.hash;
  };
  const socket = (): FakeSocket => {
    const found = last(sockets);
    if (!found) throw new Error('The page has made no socket.');
    return found;
  };
  const field = (): HTMLTextAreaElement => {
    const found = root.querySelector<HTMLTextAreaElement>('.composer textarea');
    if (!found) throw new Error('There is no field.');
    return found;
  };
  await pass();
  let told = story.events.length;
  return {
    root,
    /** The address changes, as by a link or by hand. */
    async goTo(hash: string) {
      location.hash = hash;
      await pass();
    },
    sockets,
    socket,
    pass,
    unmount,
    story,
    /** Delivers frames, or what was added to the story since. */
    async deliver(...frames: ServerFrame[]) {
      const events = story.events.slice(told);
      told = story.events.length;
      act(() => socket().deliver(...frames, ...events));
      await pass();
    },
    /** The frames of a type that were sent over all connections. */
    sent: <T extends ClientFrame['type']>(type: T) => sockets.flatMap((one) => one.sentOf(type)),
    button: (name: string) => named(root, 'button', name) as HTMLButtonElement,
    /** The names of all buttons. */
    buttons: () =>
      [...root.querySelectorAll('button')].map(
        (one) => one.getAttribute('aria-label') ?? one.textContent ?? '',
      ),
    /** The field of the message that is written. */
    field,
    /** Writes a message and presses Enter. */
    async say(text: string) {
      write(field(), text);
      press(field(), 'Enter');
      await pass();
    },
    /** The text of each element of a selector. */
    texts: (selector: string) =>
      [...root.querySelectorAll(selector)].map((one) => (one.textContent ?? '').trim()),
  };
}

function usualAnswer(
  frame: ClientFrame,
  {
    story,
    start,
    listed,
    lane,
  }: { story: Story; start: Given['start'] | undefined; listed: Listed[]; lane: string },
): ServerFrame[] {
  switch (frame.type) {
    case 'connect': {
      const after = frame.resume?.after_seq ?? story.events.length;
      const session_id = new URLSearchParams(location.hash.slice(1)).get('session') ?? 's';
      return [
        { ...story.sessionStart(lane), session_id, ...start },
        ...story.events.slice(after),
        { type: 'connected', message: '' },
      ];
    }
    case 'history':
      return [story.page(frame)];
    case 'sessions': {
      const { after, query } = frame;
      return [
        {
          type: 'sessions',
          sessions: listed,
          ...(after !== undefined && { after }),
          ...(query !== undefined && { query }),
        },
      ];
    }
    case 'rename':
      return [{ type: 'renamed', session_id: frame.session_id, name: frame.name }];
    case 'delete':
      return [{ type: 'deleted', session_id: frame.session_id }];
    default:
      return [];
  }
}

/** A story whose turn runs, has taken in the message `m1`, and says “Well”. */
export function runningStory(content = 'begin'): Story {
  const story = new Story();
  story.begin(['m1']);
  story.takeIn([{ id: 'm1', content }], 1);
  story.say('Well');
  return story;
}

/** A session of the server's list. */
export const listedSession = (session_id: string, name?: string, active_at = 0): Listed => ({
  session_id,
  ...(name !== undefined && { name }),
  created_at: 0,
  active_at,
  message_count: 1,
});
