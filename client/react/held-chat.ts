import { type Chat, createMidturn, type MidturnOptions } from '../index.ts';

/**
 * The options of `createMidturn` without the session. A change of `url` opens another chat. A function `token`, `onError` and `onFrame` are
 * called as they are in the newest render. The other options are read when the chat opens.
 */
export type UseMidturnOptions = Omit<MidturnOptions, 'sessionId'>;

type Address = Pick<MidturnOptions, 'url'> & { sessionId: string };

/** A chat that is open while somebody holds it. Making one of these opens nothing: it can be made during a render, also on a server. */
export class HeldChat {
  readonly #address: Address;
  #options: Omit<UseMidturnOptions, 'url'> = {};
  #chat: Chat | undefined;
  #holders = 0;
  /** It was held, and nobody holds it now: its chat is closed. */
  #isOver = false;

  constructor(address: Address) {
    this.#address = address;
  }

  /** The options of the newest render. */
  use(options: UseMidturnOptions): void {
    this.#options = options;
  }

  /** The chat. Undefined until it is opened. */
  readonly get = (): Chat | undefined => this.#chat;

  /**
   * The chat, which is opened if it never was: the effects of a child run before those of the component that holds it. When nobody holds
   * it any more it stays closed, and `send` throws `ClosedError`.
   */
  open(): Chat {
    this.#chat ??= this.#create();
    return this.#chat;
  }

  /** Holds the chat open until the returned function is called. Calls `changed` when `get` returns the open chat. */
  readonly hold = (changed: () => void): (() => void) => {
    if (this.#isOver) {
      this.#isOver = false;
      this.#chat = undefined;
    }
    this.#holders += 1;
    this.open();
    changed();
    return () => {
      this.#holders -= 1;
      // Not at once: StrictMode ends and begins each effect in one task, and unsent messages may be kept in memory only.
      void Promise.resolve().then(() => this.#closeIfUnheld());
    };
  };

  #closeIfUnheld(): void {
    if (this.#holders > 0) return;
    this.#isOver = true;
    this.#chat?.close();
  }

  #create(): Chat {
    const { token } = this.#options;
    return createMidturn({
      ...this.#options,
      ...this.#address,
      ...(typeof token === 'function' && { token: () => this.#token(token) }),
      onError: (error) => this.#options.onError?.(error),
      onFrame: (direction, text) => this.#options.onFrame?.(direction, text),
    });
  }

  #token(first: () => string | Promise<string>): string | Promise<string> {
    const { token = first } = this.#options;
    return typeof token === 'function' ? token() : token;
  }
}
