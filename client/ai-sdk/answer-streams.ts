import type { Chunk } from './ui-message.ts';

/** Why a stream ends. */
export type Left = 'over' | 'waits for page';

interface OpenStream {
  /** What it was to tell since `hold`. */
  held?: (() => void)[] | undefined;
  /** Ends what the page reads. */
  end(): void;
}

/**
 * The streams of a conversation that a page reads. One ends when none of them has anything to come: the page's `status` would
 * otherwise fall to `ready` while a steering message still waits for its answer. One whose turn waits for the page ends at once: the page
 * sends outputs when it is `ready`, and a steering message waits for them.
 */
export class AnswerStreams {
  /** Those that have something to come. */
  readonly #busy = new Set<OpenStream>();
  /** Those that the page still reads. */
  readonly #read = new Set<OpenStream>();
  #whenIdle: (() => void)[] = [];
  #heir: AnswerStreams | undefined;
  readonly #becameIdle: () => void;

  /** @param becameIdle called whenever the last one has told all */
  constructor(becameIdle: () => void) {
    this.#becameIdle = becameIdle;
  }

  get isBusy(): boolean {
    return this.#busy.size > 0;
  }

  open(run: (write: (chunk: Chunk) => void) => Promise<Left>): ReadableStream<Chunk> {
    let isHeard = true;
    const stream: OpenStream = { end: () => {} };
    const tell = (act: () => void) => {
      if (stream.held) stream.held.push(act);
      else if (isHeard) act();
    };
    const leave = () => {
      isHeard = false;
      this.#read.delete(stream);
    };
    this.#busy.add(stream);
    this.#read.add(stream);
    return new ReadableStream<Chunk>({
      start: (controller) => {
        stream.end = () => {
          if (isHeard) controller.close();
          leave();
        };
        const write = (chunk: Chunk) => tell(() => controller.enqueue(chunk));
        run(write)
          .catch((error): Left => {
            write({ type: 'error', errorText: textOf(error) });
            return 'over';
          })
          .then((left) => {
            const idle = this.#idle(stream);
            return left === 'waits for page' ? undefined : idle;
          })
          .then(() => tell(() => stream.end()));
      },
      cancel: leave,
    });
  }

  /** From now on, those that are open tell nothing, until `release`. */
  hold(): void {
    for (const stream of this.#read) stream.held ??= [];
  }

  release(): void {
    for (const stream of this.#read) {
      const held = stream.held ?? [];
      stream.held = undefined;
      for (const act of held) act();
    }
  }

  /** Those that are held tell nothing any more. They end when the heir's do, so that the page is not `ready` before. */
  handOver(heir: AnswerStreams): void {
    this.#heir = heir;
    const left = [...this.#read].filter(({ held }) => held);
    void heir.idle().then(() => {
      for (const stream of left) stream.end();
    });
  }

  /** Resolves when nothing is to come, here and where it was handed over to. */
  async idle(): Promise<void> {
    if (this.isBusy) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await this.#heir?.idle();
  }

  #idle(stream: OpenStream): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
      this.#busy.delete(stream);
      if (this.isBusy) return;
      for (const hear of this.#whenIdle.splice(0)) hear();
      this.#becameIdle();
    });
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
