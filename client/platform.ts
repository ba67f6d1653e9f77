/** The part of a WebSocket that is used: browsers', Node's own, `ws` and React Native's all have it. */
export interface SocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols?: string[]) => SocketLike;

/** `readyState` of a socket that can send; the constant's place differs between implementations, its value does not. */
export const SOCKET_OPEN = 1;

export type Timer = unknown;

/** What the client takes from its surroundings. Handed in whole by tests, in part by exotic hosts. */
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
  /** Calls `poke` whenever the network may have come back; returns how to stop. */
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

/** 64 characters that need no escaping anywhere. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';
const ID_LENGTH = 20;

/**
 * 120 random bits. Not a UUID, which says the same in 36 characters: the server keeps ids with all that it writes of a turn.
 * React Native has no `crypto` of its own: ids there are as unique as its `Math.random`.
 */
function newId(): string {
  if (typeof globalThis.crypto?.getRandomValues === 'function') {
    const bytes = globalThis.crypto.getRandomValues(new Uint8Array(ID_LENGTH));
    return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
  }
  const part = () => Math.random().toString(36).slice(2, 12);
  return `${Date.now().toString(36)}-${part()}-${part()}`;
}

/** The network is back, or somebody looks again: a phone's sockets die unheard while its screen is off. */
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
