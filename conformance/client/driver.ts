import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Broken, brief } from '../outcome.ts';
import type { Feature, Order, Pattern, Told } from './case.ts';
import type { Changes } from './changes.ts';

/** How long a client that was told to close may take, before its process is killed. */
const CLOSE_MS = 5000;

/** The process of the client under test: orders go to its standard input, and what it tells comes from its standard output. */
export class Driver {
  readonly events: Pattern[] = [];
  /** The state of each message that was reported, by the message's name. */
  readonly messages = new Map<string, string>();
  cannot: readonly Feature[] = [];
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #changes: Changes;
  #isReady = false;
  #isClosing = false;
  #failure: string | undefined;
  #complaints = '';

  constructor([program = '', ...args]: readonly string[], changes: Changes) {
    this.#changes = changes;
    this.#process = spawn(program, args, { stdio: 'pipe' });
    this.#process.stderr.on('data', (data) => {
      this.#complaints = (this.#complaints + String(data)).slice(-400);
    });
    // A client that ends does not read its last orders.
    this.#process.stdin.on('error', () => {});
    this.#process.on('error', (error) => this.#fail(`the client cannot be started: ${error.message}`));
    this.#process.on('close', (status, signal) => {
      const why = this.#complaints.trim().split('\n').at(-1) ?? '';
      if (!this.#isClosing) this.#fail(`the client ended with ${status ?? signal}${why && `: ${why}`}`);
    });
    createInterface(this.#process.stdout).on('line', (line) => {
      if (line.trim() !== '') this.#hear(line);
      this.#changes.happened();
    });
  }

  async ready(): Promise<void> {
    await this.#changes.until(
      () => {
        this.demandAlive();
        return this.#isReady || undefined;
      },
      () => 'the client did not print {"ready":true}',
    );
  }

  tell(order: Order): void {
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
  }

  /** @throws {Broken} when its process has ended, or printed what is no line of the kit */
  demandAlive(): void {
    if (this.#failure !== undefined) throw new Broken(this.#failure);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null || !this.#process.pid) return;
    const ended = once(this.#process, 'close');
    this.tell({ do: 'close' });
    this.#process.stdin.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), CLOSE_MS);
    await ended;
    clearTimeout(timer);
  }

  #hear(line: string): void {
    let told: Told;
    try {
      told = JSON.parse(line);
    } catch {
      this.#fail(`the client printed what is not JSON: ${line.slice(0, 120)}`);
      return;
    }
    if ('ready' in told) {
      this.#isReady = true;
      this.cannot = told.cannot ?? [];
    } else if ('event' in told) this.#take(told.event);
    else if ('message' in told) this.messages.set(told.message, told.status);
    else this.#fail(`the client printed a line that the kit does not know: ${brief(told)}`);
  }

  #take(event: Pattern): void {
    const last = Number(this.events.at(-1)?.seq ?? 0);
    if (Number(event.seq) <= last)
      this.#fail(
        `event ${event.seq} was handed on after event ${last}: each comes once, in order (5.3.4, 7.1.5)`,
      );
    this.events.push(event);
  }

  #fail(why: string): void {
    this.#failure ??= why;
    this.#changes.happened();
  }
}
