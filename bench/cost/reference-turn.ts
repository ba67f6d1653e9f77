import { setTimeout as sleep } from 'node:timers/promises';
import { hostPlatform } from '../../client/platform.ts';
import { epochMs } from '../../config/units.ts';
import { FlushWindow } from '../../core/turn/flush-window.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { brokenPromises } from '../../local/demo/promises.ts';
import type { HistoryEntry, ServerFrame } from '../../protocol/server-frames.ts';
import { startModelServer } from '../../test/support/model-server.ts';
import { connect, type WsClient } from '../../test/support/ws-client.ts';
import { timedModel } from '../timed-model.ts';
import type { Ledger } from './ledger.ts';
import { type Meter, meterCloud } from './meter.ts';

/** One message, 500 output tokens at 60 a second in three model calls, 2 tools of 500 ms, 1 steering message. */
export const REFERENCE = {
  /** Output tokens of each model call. */
  tokens: [167, 167, 166],
  tokensPerSecond: 60,
  /** One after each of the first calls. */
  toolSeconds: 0.5,
  tools: 2,
  /** In mid-answer of the first call: the message that steers is sent with this chunk. */
  steeredAtChunk: 10,
} as const;

/** As our client makes them: ids of clients take a part of each commit. */
const { newId } = hostPlatform();

const TOKEN_MS = 1000 / REFERENCE.tokensPerSecond;
/** A turn takes ten seconds; one that hangs still ends. */
const TIMEOUT_MS = 120_000;
const POLL_MS = 20;
/** Somebody who proves who he is, so that his frames are counted. */
const TOKEN = 'bench-token';
const MESSAGE = 'Could you compare the two plans and tell me which one fits a team of five?';
const STEERING = 'Please leave out the part about the price, and mind that two of us work part-time.';
/** About four characters each, as a tokenizer of English makes them. */
const WORDS = [' the', ' plan', ' for', ' a', ' team', ' of', ' five', ' would', ' fit', ','];

export interface ReferenceTurn {
  ledger: Ledger;
  /** From the message to the last thing that was done for it. */
  seconds: number;
  /** What the client received. */
  frames: readonly ReceivedFrame[];
}

interface ReceivedFrame {
  isText: boolean;
  bytes: number;
  /** Of the text in it, as JSON. */
  textBytes: number;
}

export interface ReferenceRun {
  turns: ReferenceTurn[];
  /** What opening the connection came to, with everything up to `connected`. */
  opening: Ledger;
  /** Promises that did not hold. */
  broken: string[];
  turnMemoryMb: number;
}

/** The reference turn, so often, in one session on a warm local cloud; one more before them to warm up. */
export async function runReferenceTurns(turns: number): Promise<ReferenceRun> {
  let call = 0;
  const model = timedModel(() => {
    const at = call++ % REFERENCE.tokens.length;
    const words = Array.from({ length: REFERENCE.tokens[at] ?? 0 }, (_, n) => WORDS[n % WORDS.length] ?? '');
    const toolCalls =
      at < REFERENCE.tools ? [{ name: 'wait', args: { seconds: REFERENCE.toolSeconds } }] : [];
    return { words, firstTokenMs: TOKEN_MS, tokenMs: TOKEN_MS, toolCalls };
  });
  const server = await startModelServer(model.script);
  const cloud = await startLocalCloud({
    settings: {
      MIDTURN_MODEL: 'openai-compatible:scripted',
      MIDTURN_MODEL_BASE_URL: server.baseUrl,
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: `${TOKEN}=acme/ann`,
    },
  });
  try {
    let turnMemoryMb = 0;
    cloud.functions.onInvocation(({ function: name, memoryMb }) => {
      if (name === 'turn') turnMemoryMb = memoryMb;
    });
    const session = await MeteredSession.open(cloud);
    await session.turn();
    const run: ReferenceTurn[] = [];
    for (let n = 0; n < turns; n++) run.push(await session.turn());
    return { turns: run, opening: session.opening, broken: await session.end(), turnMemoryMb };
  } finally {
    await cloud.close();
    await server.close();
  }
}

class MeteredSession {
  readonly opening: Ledger;
  readonly #client: WsClient;
  readonly #meter: Meter;
  readonly #sent: { id: string; content: string }[] = [];

  private constructor(client: WsClient, meter: Meter, opening: Ledger) {
    this.#client = client;
    this.#meter = meter;
    this.opening = opening;
  }

  static async open(cloud: LocalCloud): Promise<MeteredSession> {
    const meter = meterCloud(cloud);
    const client = await connect(`${cloud.url}?session_id=${newId()}`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
    });
    client.send({ type: 'connect' });
    await client.next('connected', { timeoutMs: TIMEOUT_MS });
    await untilTrue(() => meter.ledger.count('lambdaRequests', 'inbound', 'Invoke') === 1);
    return new MeteredSession(client, meter, meter.ledger.take());
  }

  async turn(): Promise<ReferenceTurn> {
    const { ledger } = this.#meter;
    const from = this.#client.frames.length;
    const beganAt = performance.now();
    this.#send(MESSAGE);
    for (let n = 0; n < REFERENCE.steeredAtChunk; n++)
      await this.#client.next('chunk', { timeoutMs: TIMEOUT_MS });
    this.#send(STEERING);
    await this.#client.next('done', { timeoutMs: TIMEOUT_MS });
    // What goes on after `done`: entries, the end of the slot, the queue's message.
    await untilTrue(
      () =>
        ledger.count('fifoRequests', 'turn', 'DeleteMessage') === 1 &&
        ledger.count('lambdaRequests', 'inbound', 'Invoke') === 2,
    );
    const ms = performance.now() - beganAt;
    ledger.add({
      unit: 'connectionMinutes',
      by: 'client',
      what: 'connected',
      count: 1,
      quantity: ms / 60_000,
    });
    const frames = this.#client.frames.slice(from).map((frame): ReceivedFrame => {
      const isText = frame.type === 'chunk';
      const textBytes = isText ? sizeOf(frame.content) : 0;
      return { isText, bytes: sizeOf(frame), textBytes };
    });
    return { ledger: ledger.take(), seconds: ms / 1000, frames };
  }

  #send(content: string): void {
    const id = newId();
    this.#sent.push({ id, content });
    this.#client.send({ type: 'message', id, content, order: this.#sent.length });
  }

  /** Closes, and says which promises did not hold. */
  async end(): Promise<string[]> {
    this.#meter.stop();
    const transcript: HistoryEntry[] = [];
    for (let before: number | undefined, more = true; more; more = before !== undefined) {
      this.#client.send({ type: 'history', limit: 200, ...(before !== undefined && { before }) });
      const page = await this.#client.next('history', { timeoutMs: TIMEOUT_MS });
      transcript.unshift(...page.entries);
      before = page.next;
    }
    const frames = this.#client.frames.filter((frame): frame is ServerFrame => frame.type !== undefined);
    await this.#client.close();
    return brokenPromises({ frames, sent: this.#sent, transcript });
  }
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

async function untilTrue(is: () => boolean): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!is()) {
    if (performance.now() > deadline) throw new Error('The turn is not over after its `done`.');
    await sleep(POLL_MS);
  }
}

/**
 * The smallest number of frames with text if a window of so many milliseconds gathers it: each model call streams for so
 * long, and each window of it needs a frame.
 */
export const fewestChunks = (windowMs: number): number =>
  REFERENCE.tokens.reduce((sum, tokens) => sum + Math.ceil((tokens * TOKEN_MS) / windowMs), 0);

/** The number of frames with text if every token comes in its time, and windows are those of the product. */
export const chunksInPace = (): number => REFERENCE.tokens.reduce((sum, tokens) => sum + chunksOf(tokens), 0);

function chunksOf(tokens: number): number {
  const window = new FlushWindow(undefined);
  let chunks = 0;
  for (let token = 1; token <= tokens; token++) {
    const now = epochMs(token * TOKEN_MS);
    if (window.left(now) > 0 && token < tokens) continue;
    window.flushed(now);
    chunks += 1;
  }
  return chunks;
}
