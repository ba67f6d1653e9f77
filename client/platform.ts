import { BASE64URL } from './base64url.ts';

/** The part of a WebSocket that is used. Those of browsers, Node, `ws` and React Native all have it. */
export interface SocketLike {
  readonly readyState: number;
  /** Set to `arraybuffer`, where a socket has it. */
  binaryType?: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols?: string[]) => SocketLike;

/** The `readyState` of a socket that can send. Implementations define the constant in different places, with one value. */
export const SOCKET_OPEN = 1;

export type Timer = unknown;

/** What the client needs of its host. Tests replace all of it, unusual hosts a part. */
export interface Platform {
  WebSocket: SocketConstructor;
  /** Milliseconds since the epoch. */
  now(): number;
  setTimer(run: () => void, milliseconds: number): Timer;
  clearTimer(timer: Timer): void;
  /** From 0 to below 1. */
  random(): number;
  /** A new id: 1 to 64 visible ASCII characters. */
  newId(): string;
  /** Calls `poke` whenever the network may be back. Returns a function that ends this. */
  onWake(poke: () => void): () => void;
}

export function hostPlatform(): Omit<Platform, 'WebSocket'> {
  return {
    now: () => Date.now(),
    setTimer: (run, milliseconds) => setTimeout(run, milliseconds),
    clearTimer: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
    random: () => Math.random(),
    newId,
    onWake: onBrowserWake,
  };
}

const ID_LENGTH = 20;

/**
 * An id of 120 random bits in 20 characters. A UUID would have 36: the server stores ids with everything that it writes of
 * a turn. React Native has no `crypto` of its own; there, ids are as unique as `Math.random`.
 */
function newId(): string {
  if (typeof globalThis.crypto?.getRandomValues === 'function') {
    const bytes = globalThis.crypto.getRandomValues(new Uint8Array(ID_LENGTH));
    return Array.from(bytes, (byte) => BASE64URL[byte % BASE64URL.length]).join('');
  }
  const part = () => Math.random().toString(36).slice(2, 12);
  return `${Date.now().toString(36)}-${part()}-${part()}`;
}

/** The network is back, or the page is visible again: a phone's sockets can end without an event while its screen is off. */
function onBrowserWake(poke: () => void): () => void {
  const { document, addEventListener, removeEventListener } = globalThis;
  if (typeof addEventListener !== 'function') return () => {};
  const onVisible = () => {
    if (document.visibilityState === 'visible') poke();
  };
  addEventListener('online', poke);
  document?.addEventListener('visibilitychange', onVisible);
  return () => {
    removeEventListener('online', poke);
    document?.removeEventListener('visibilitychange', onVisible);
  };
}
