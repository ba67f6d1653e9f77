import { afterEach, describe, expect, it, vi } from 'vitest';
import { argumentsText } from './approval.ts';
import { browserStorage, type Locks } from './browser-storage.ts';
import { contentBytes } from './content.ts';
import { answerQuestion, type Question, questionsOf, receiveQuestion } from './elicitation.ts';
import { endingNote } from './ending-note.ts';
import { fileUrl, uploadFile } from './files.ts';
import { hostPlatform } from './platform.ts';
import { type EventOf, readFrame } from './protocol.ts';
import { initialState } from './state.ts';
import { givenChat, limited, SECOND } from './testing/given-chat.ts';
import { beginningOf, TextPlayer } from './text-player.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A target of events as a browser has it: `listeners` says how many listen. */
function givenTarget() {
  const listeners = new Map<string, Set<() => void>>();
  const of = (name: string) => listeners.get(name) ?? new Set();
  return {
    listeners,
    addEventListener: (name: string, listener: () => void) => listeners.set(name, of(name).add(listener)),
    removeEventListener: (name: string, listener: () => void) => of(name).delete(listener),
    tell: (name: string) => of(name).forEach((listener) => void listener()),
    count: () => [...listeners.values()].reduce((sum, { size }) => sum + size, 0),
  };
}

describe('the host', () => {
  it('wakes the client when the network is back and when the page is visible again, until that is ended', () => {
    const page = { ...givenTarget(), visibilityState: 'visible' };
    const window = givenTarget();
    vi.stubGlobal('addEventListener', window.addEventListener);
    vi.stubGlobal('removeEventListener', window.removeEventListener);
    vi.stubGlobal('document', page);
    let pokes = 0;
    const end = hostPlatform().onWake(() => (pokes += 1));
    window.tell('online');
    expect(pokes).toBe(1);
    page.visibilityState = 'hidden';
    page.tell('visibilitychange');
    expect(pokes).toBe(1);
    page.visibilityState = 'visible';
    page.tell('visibilitychange');
    expect(pokes).toBe(2);
    end();
    expect([window.count(), page.count()]).toEqual([0, 0]);
  });

  it.each([
    ['a page', givenTarget()],
    ['events', { addEventListener: undefined, removeEventListener: undefined }],
  ])('needs not have %s', (_, { addEventListener, removeEventListener }) => {
    vi.stubGlobal('addEventListener', addEventListener);
    vi.stubGlobal('removeEventListener', removeEventListener);
    vi.stubGlobal('document', undefined);
    expect(() => hostPlatform().onWake(() => {})()).not.toThrow();
  });

  it('needs no `crypto` for ids, which are ids of the protocol all the same', () => {
    vi.stubGlobal('crypto', undefined);
    const ids = Array.from({ length: 100 }, hostPlatform().newId);
    for (const id of ids) expect(id).toMatch(/^[\w-]{8,64}$/);
    expect(new Set(ids).size).toBe(100);
  });

  it('makes ids of all 64 characters: each is as likely as the others', () => {
    const { newId } = hostPlatform();
    const used = new Set(Array.from({ length: 200 }, newId).join(''));
    expect(used.size).toBe(64);
  });
});

describe('the storage of a browser', () => {
  const stored = (items: Record<string, string>): Storage => ({
    get length() {
      return Object.keys(items).length;
    },
    key: (at) => Object.keys(items)[at] ?? null,
    getItem: (key) => items[key] ?? null,
    setItem: (key, value) => {
      items[key] = value;
    },
    removeItem: (key) => void delete items[key],
    clear: () => {},
  });

  it('of a tab is read when the tab has claimed it, once; a copy of another tab’s loses outboxes alone', async () => {
    const session = {
      'midturn-tab': 't1',
      'midturn:a': '1',
      theme: 'dark',
      'midturn:b': '2',
      'midturn-x': '3',
    };
    const asked: string[] = [];
    let refuse = () => {};
    const locks: Locks = {
      request: (name, _, granted) => {
        asked.push(name);
        if (name !== 'midturn-tab:t1') return granted();
        return new Promise((_, reject) => (refuse = () => reject(new Error('another tab has it'))));
      },
    };
    vi.stubGlobal('sessionStorage', stored(session));
    vi.stubGlobal('localStorage', stored({ 'midturn:a': 'local' }));
    vi.stubGlobal('navigator', { locks });
    expect(browserStorage('local').getItem('midturn:a')).toBe('local');
    const storage = browserStorage();
    const reads = Promise.all(['midturn:a', 'midturn:b'].map((key) => storage.getItem(key)));
    let isRead = false;
    void reads.then(() => (isRead = true));
    await new Promise(setImmediate);
    expect([isRead, asked]).toEqual([false, ['midturn-tab:t1']]);
    refuse();
    expect(await reads).toEqual([null, null]);
    const { 'midturn-tab': own, ...rest } = session;
    expect(rest).toEqual({ theme: 'dark', 'midturn-x': '3' });
    // The lock of its own id keeps copies of this tab away.
    expect(asked).toEqual(['midturn-tab:t1', `midturn-tab:${own}`]);
    void storage.setItem('midturn:a', 'new');
    expect(await browserStorage().getItem('midturn:a')).toBe('new');
    void storage.removeItem('midturn:a');
    expect(await storage.getItem('midturn:a')).toBeNull();
    expect(asked).toHaveLength(2);
  });

  it('that is forbidden is replaced by memory', async () => {
    const forbidden = {
      get: () => {
        throw new DOMException('blocked', 'SecurityError');
      },
      configurable: true,
    };
    for (const [kind, name] of [
      ['session', 'sessionStorage'],
      ['local', 'localStorage'],
    ] as const) {
      vi.stubGlobal(name, undefined);
      Object.defineProperty(globalThis, name, forbidden);
      const storage = browserStorage(kind);
      await storage.setItem('key', 'value');
      expect(await storage.getItem('key')).toBe('value');
      await storage.removeItem('key');
      expect(await storage.getItem('key')).toBeNull();
    }
  });

  it('without locks is the storage as it is', async () => {
    const session = stored({ 'midturn:a': '1' });
    vi.stubGlobal('sessionStorage', session);
    vi.stubGlobal('navigator', {});
    expect(browserStorage()).toBe(session);
  });
});

describe('an upload', () => {
  const address = {
    file: 'f1',
    method: 'PUT',
    url: 'https://b.test/f1',
    headers: { 'if-none-match': '*', 'content-type': 'image/png' },
  };
  /** Answers the request for an address. */
  async function given() {
    const { chat, open } = givenChat();
    const socket = await open();
    socket.onsent = (frame) => {
      if (frame.type === 'upload')
        socket.deliver({ ...address, type: 'upload', id: frame.id, method: 'PUT', expires_in_ms: 1 });
    };
    return { chat, socket };
  }
  class FakeRequest {
    static last: FakeRequest;
    readonly headers: Record<string, string> = {};
    readonly upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
    status = 0;
    calls: unknown[] = [];
    onload = () => {};
    onerror = () => {};
    onabort = () => {};
    onloadend = () => {};
    constructor() {
      FakeRequest.last = this;
    }
    open(...values: unknown[]) {
      this.calls.push(values);
    }
    setRequestHeader(name: string, value: string) {
      this.headers[name] = value;
    }
    send(body: unknown) {
      this.calls.push(body);
    }
    abort() {
      this.end('onabort');
    }
    end(how: 'onload' | 'onerror' | 'onabort', status = 0) {
      this.status = status;
      this[how]();
      this.onloadend();
    }
  }
  const file = new File(['abcd'], `${'n'.repeat(250)}.png`, { type: 'image/png;q=1' });

  it('of a browser sends the bytes with all headers, and tells how far it is', async () => {
    vi.stubGlobal('XMLHttpRequest', FakeRequest);
    const { chat, socket } = await given();
    const told: number[] = [];
    const done = uploadFile(chat, file, { onProgress: (part) => told.push(part) });
    await new Promise(setImmediate);
    const { last } = FakeRequest;
    expect(last.calls).toEqual([['PUT', 'https://b.test/f1'], file]);
    expect(last.headers).toEqual(address.headers);
    for (const loaded of [0, 2, 4]) last.upload.onprogress?.({ loaded, total: 4 });
    last.upload.onprogress?.({ loaded: 0, total: 0 });
    expect(told).toEqual([0, 0.5, 1, 0]);
    last.end('onload', 201);
    // The end of a long name has its type.
    const part = { media_type: 'image/png', size: 4, name: file.name.slice(-200) };
    expect(await done).toEqual({ type: 'file', file: 'f1', ...part });
    expect(socket.sentOf('upload')).toMatchObject([part]);
  });

  it.each([
    ['onload', 199],
    ['onload', 300],
    ['onload', 500],
    ['onerror', 0],
  ] as const)('of a browser that ends with %s and status %i fails', async (how, status) => {
    vi.stubGlobal('XMLHttpRequest', FakeRequest);
    const { chat } = await given();
    const done = uploadFile(chat, file);
    done.catch(() => {});
    await new Promise(setImmediate);
    FakeRequest.last.end(how, status);
    await expect(done).rejects.toMatchObject({ code: 'UPLOAD_FAILED' });
  });

  it('of a browser is stopped by its signal, with its reason, and hears it no more after its end', async () => {
    vi.stubGlobal('XMLHttpRequest', FakeRequest);
    const { chat } = await given();
    const reason = new Error('left');
    for (const isOver of [false, true]) {
      const stop = new AbortController();
      const done = uploadFile(chat, file, { signal: stop.signal });
      done.catch(() => {});
      await new Promise(setImmediate);
      const { last } = FakeRequest;
      if (isOver) last.end('onload', 200);
      let aborts = 0;
      last.abort = () => {
        aborts += 1;
        last.end('onabort');
      };
      stop.abort(reason);
      expect(aborts).toBe(isOver ? 0 : 1);
      if (isOver) await done;
      else await expect(done).rejects.toBe(reason);
    }
  });

  it('that is stopped before it has its address sends nothing; with `fetch` its signal goes along', async () => {
    const stop = new AbortController();
    const reason = new Error('left');
    const signals: unknown[] = [];
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      signals.push(init.signal);
      stop.abort(reason);
      throw new TypeError('aborted');
    });
    const { chat } = await given();
    await expect(uploadFile(chat, file, { signal: stop.signal })).rejects.toBe(reason);
    expect(signals).toEqual([stop.signal]);
    await expect(uploadFile(chat, file, { signal: stop.signal })).rejects.toBe(reason);
    expect(signals).toHaveLength(1);
  });

  it('the address of a file is asked for again when the server refuses for its rate', async () => {
    const { chat, clock, open } = givenChat();
    const socket = await open();
    const url = fileUrl(chat, 'f1');
    const id = socket.sentOf('download')[0]?.id ?? '';
    socket.deliver(limited(2 * SECOND, id));
    await clock.advance(2 * SECOND);
    expect(socket.sentOf('download')).toHaveLength(2);
    const rest = { media_type: 'image/png', size: 1, expires_in_ms: 1 };
    socket.deliver({ type: 'download', id, file: 'f1', url: 'https://b.test/', ...rest });
    expect(await url).toBe('https://b.test/');
  });
});

describe('questions', () => {
  const turn = { turn_id: 't1', request_id: 'r1' };
  const asked: EventOf<'elicitation_request'> = {
    type: 'elicitation_request',
    seq: 1,
    ...turn,
    tool_call_id: 'c1',
    tool: 'books_borrow',
    server: 'books',
    mode: 'url',
    message: 'Sign in.',
    url: 'https://books.test/',
    timeout_secs: 60,
    at: 5,
  };
  const question: Question = {
    requestId: 'r1',
    toolCallId: 'c1',
    tool: 'books_borrow',
    server: 'books',
    message: 'Sign in.',
    fields: [],
    url: 'https://books.test/',
    timeoutSeconds: 60,
    askedAt: 5,
  };
  const resolved = {
    ...turn,
    type: 'elicitation_resolved',
    seq: 2,
    action: 'cancel',
    reason: 'timeout',
  } as const;

  it('have all that the server asked, also when they are resolved; what was not asked is not known', () => {
    const known = new Map<string, Question>();
    expect(receiveQuestion(known, resolved)).toBeUndefined();
    expect(receiveQuestion(known, asked)).toEqual(question);
    expect(receiveQuestion(known, resolved)).toEqual({
      ...question,
      resolved: { action: 'cancel', reason: 'timeout' },
    });
    expect(known.size).toBe(1);
  });

  it('are answered again when the server refuses the answer for its rate', async () => {
    const { chat, clock, open } = givenChat();
    const socket = await open();
    const taken = answerQuestion(chat, 'r1', { action: 'accept' });
    socket.deliver(limited(2 * SECOND, 'r1'));
    await clock.advance(2 * SECOND);
    expect(socket.sentOf('elicitation_answer')).toHaveLength(2);
    socket.deliver({ type: 'elicitation_answer', id: 'r1', action: 'accept' });
    expect(await taken).toBe(true);
  });

  it('leave nothing behind when nobody listens any more', async () => {
    const state = {
      ...initialState('s'),
      activeTurn: { turnId: 't1', step: 1, startedAt: 0, stopping: false },
    };
    const listeners = new Set<() => void>();
    let give = (_: typeof asked) => {};
    const heard: number[] = [];
    const questions = questionsOf({
      transcript: {
        getSnapshot: () => state,
        subscribe: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      turn: async function* () {
        yield await new Promise<typeof asked>((resolve) => (give = resolve));
      },
    });
    const leave = questions.subscribe(() => heard.push(questions.getSnapshot().length));
    await new Promise(setImmediate);
    leave();
    leave();
    give(asked);
    await new Promise(setImmediate);
    expect([heard, listeners.size, questions.getSnapshot()]).toEqual([[], 0, []]);
  });
});

describe('text for people', () => {
  it('comes to its end whatever it is asked, and a length that is the same changes nothing', () => {
    const [asked, quiet] = [new TextPlayer(), new TextPlayer()];
    for (const player of [asked, quiet]) {
      player.came(3, 0);
      player.came(30, 100);
    }
    for (let now = 100; now < 400; now += 16) {
      asked.came(30, now);
      expect(asked.shown(now)).toBe(quiet.shown(now));
    }
    expect(quiet.isBehind).toBe(false);
  });

  it.each([
    [1500, true],
    [1501, false],
  ])('%i characters at once are played: %s', (length, isPlayed) => {
    const player = new TextPlayer();
    player.came(length, 0);
    expect(player.shown(0) < length).toBe(isPlayed);
  });

  it('after a pause is played as at first, and the end does not slow it', () => {
    const after = (pause: number) => {
      const player = new TextPlayer();
      player.came(10, 0);
      player.came(20, 400);
      player.came(30, 400 + pause);
      let end = 400 + pause;
      while (player.shown(end) < 30) end += 1;
      return end - 400 - pause;
    };
    expect(after(501)).toBeLessThan(after(500));
    const player = new TextPlayer();
    player.came(1000, 0);
    player.end(170);
    expect(player.shown(180)).toBe(1000);
  });

  it('is cut between code points where what belongs together is too long', () => {
    const text = `a${'\u0301'.repeat(60)}😀`;
    expect(beginningOf(text, 50)).toBe(text.slice(0, 50));
    expect(beginningOf(text, 62)).toBe(text.slice(0, 61));
    expect(beginningOf('ab', 1)).toBe('a');
  });

  it('shows characters of the arguments that would hide others, and the summary where there are none', () => {
    expect(argumentsText({ arguments: { a: 'x\u202ey' }, summary: '' })).toBe('{\n  "a": "x\\u202ey"\n}');
    expect(argumentsText({ arguments: undefined, summary: 'short' })).toBe('short');
    expect(argumentsText({ arguments: null, summary: 'short' })).toBe('null');
  });

  it('says how an answer ended that did not end as it should', () => {
    const notes = [undefined, 'stop', 'length', 'content_filter', 'refusal', 'new'].map(endingNote);
    expect(notes.slice(0, 2)).toEqual([undefined, undefined]);
    expect(new Set(notes.slice(2)).size).toBe(4);
    expect(notes.slice(2).every(Boolean)).toBe(true);
  });

  it('is counted in bytes, at each border of UTF-8', () => {
    for (const code of [
      0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff, 0x10000, 0x10ffff,
    ]) {
      const text = String.fromCodePoint(code);
      expect([code, contentBytes(text)]).toEqual([code, Buffer.byteLength(JSON.stringify(text))]);
    }
  });
});

it.each([
  ['null', false],
  ['7', false],
  ['[]', false],
  ['{}', false],
  ['{"type":7}', false],
  ['{"type":"new"}', true],
  ['{"type":"new","seq":1}', false],
  ['{"type":"new","seq":1.5,"turn_id":"t"}', false],
  ['{"type":"new","seq":"1","turn_id":"t"}', false],
  ['{"type":"new","seq":1,"turn_id":"t"}', true],
])('%s is a frame: %s', (text, isFrame) => {
  expect(readFrame(text)).toEqual(isFrame ? JSON.parse(text) : undefined);
});
