import { afterEach, describe, expect, it, vi } from 'vitest';
import { browserStorage, type Locks } from './browser-storage.ts';
import { fileUrl, uploadFile } from './files.ts';
import { hostPlatform } from './platform.ts';
import { givenChat, limited, SECOND } from './testing/given-chat.ts';
import { webStorage } from './testing/web-storage.ts';

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
  it('of a tab is read when the tab has claimed it, once; a copy of another tab’s loses outboxes alone', async () => {
    const session = webStorage({
      'midturn-tab': 't1',
      'midturn:a': '1',
      theme: 'dark',
      'midturn:b': '2',
      'midturn-x': '3',
    });
    const asked: string[] = [];
    let refuse = () => {};
    const locks: Locks = {
      request: (name, _, granted) => {
        asked.push(name);
        if (name !== 'midturn-tab:t1') return Promise.resolve(granted({}));
        return new Promise((_, reject) => (refuse = () => reject(new Error('another tab has it'))));
      },
    };
    vi.stubGlobal('addEventListener', () => {});
    vi.stubGlobal('sessionStorage', session);
    vi.stubGlobal('localStorage', webStorage({ 'midturn:a': 'local' }));
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
    const { 'midturn-tab': own, ...rest } = { ...session };
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
    const session = webStorage({ 'midturn:a': '1' });
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
