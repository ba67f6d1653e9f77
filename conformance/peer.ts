import type { ClientFrame } from '../protocol/client-frames.ts';
import type { EventFrame, ServerFrame } from '../protocol/server-frames.ts';
import { openWaitingClient, WaitFailed, type WaitingClient } from '../protocol/waiting-client.ts';
import { type FrameOf, type FrameType, isEvent, isRateLimit, readFrame } from './frames.ts';
import { Broken, brief } from './outcome.ts';

export interface PeerOptions {
  protocols: readonly string[];
  headers: Readonly<Record<string, string>>;
  /** How long to wait for a frame, in milliseconds. */
  timeoutMs: number;
}

export async function openPeer(url: string, options: PeerOptions): Promise<Peer> {
  const wrong: string[] = [];
  const sizes = { largest: 0 };
  const client = await openWaitingClient<ServerFrame>(url, {
    ...options,
    read(text, isBinary) {
      sizes.largest = Math.max(sizes.largest, Buffer.byteLength(text));
      if (isBinary) wrong.push('a binary frame');
      const reading = readFrame(text);
      if (reading.kind === 'wrong') wrong.push(reading.why);
      if (reading.kind !== 'frame') return undefined;
      // A frame that was refused for its rate gets no other answer. Waits that the refusal itself fulfils come first.
      if (isRateLimit(reading.frame))
        queueMicrotask(() => client.failWaits('the server limits the rate of frames'));
      return reading.frame;
    },
  });
  return new Peer(client, wrong, sizes);
}

/** The kit's end of one connection. It keeps every received frame in order and waits for expected ones. */
export class Peer {
  /** Frames of the protocol, in the order of arrival. */
  readonly received: readonly ServerFrame[];
  /** For each received text that violates the protocol, why. */
  readonly wrong: readonly string[];
  readonly #client: WaitingClient<ServerFrame>;
  readonly #sizes: { readonly largest: number };

  constructor(
    client: WaitingClient<ServerFrame>,
    wrong: readonly string[],
    sizes: { readonly largest: number },
  ) {
    this.#client = client;
    this.received = client.frames;
    this.wrong = wrong;
    this.#sizes = sizes;
  }

  /** Size of the largest received text, in bytes. */
  get largest(): number {
    return this.#sizes.largest;
  }

  /** The subprotocol that the server selected; empty for none. */
  get protocol(): string {
    return this.#client.protocol;
  }

  get events(): EventFrame[] {
    return this.received.filter(isEvent);
  }

  /** The highest `seq` that was received; 0 before the first. */
  get lastSeq(): number {
    return Math.max(0, ...this.events.map(({ seq }) => seq));
  }

  get isOpen(): boolean {
    return this.#client.isOpen;
  }

  send(frame: ClientFrame): void {
    this.#client.send(frame);
  }

  sendText(text: string): void {
    this.#client.sendRaw(text);
  }

  /**
   * Resolves with the first frame of this type, or the first that matches, whether it was received already or arrives
   * later. Frames before the position `from` in `received` do not count.
   * @throws {Broken} when no such frame arrives in time, or the connection ends first.
   */
  wait<T extends FrameType>(wanted: T, options?: WaitOptions): Promise<FrameOf<T>>;
  wait<F extends ServerFrame>(wanted: (frame: ServerFrame) => frame is F, options?: WaitOptions): Promise<F>;
  wait(wanted: (frame: ServerFrame) => boolean, options?: WaitOptions): Promise<ServerFrame>;
  async wait(
    wanted: FrameType | ((frame: ServerFrame) => boolean),
    { what = typeof wanted === 'string' ? `\`${wanted}\`` : 'a frame', ...options }: WaitOptions = {},
  ): Promise<ServerFrame> {
    const matches = typeof wanted === 'string' ? ({ type }: ServerFrame) => type === wanted : wanted;
    try {
      return await this.#client.waitFor(matches, options);
    } catch (error) {
      if (!(error instanceof WaitFailed)) throw error;
      const last = this.received.at(-1);
      const seen = this.wrong.at(-1) ?? (last ? brief(last) : 'nothing');
      throw new Broken(`${what} did not arrive: ${error.why}; the last frame was ${seen}`);
    }
  }

  /** Ends the connection without a closing handshake, as a lost network does. */
  async cut(): Promise<void> {
    await this.#client.terminate();
  }

  async close(): Promise<void> {
    // A server that does not answer the closing handshake must not block the kit.
    const timer = setTimeout(() => this.#client.terminate(), CLOSE_MS);
    await this.#client.close().finally(() => clearTimeout(timer));
  }
}

const CLOSE_MS = 1000;

export interface WaitOptions {
  /** Names the expected frame in the reason of a failure. */
  what?: string;
  from?: number;
  timeoutMs?: number;
}
