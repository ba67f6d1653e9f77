import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startModelServer } from '../../test/support/model-server.ts';
import { type Summary, summarize } from '../stats.ts';
import { type TimedModel, timedModel, userMessages } from '../timed-model.ts';
import { type Outcome, outcomeOf, Screen, saidTwice, thoughtsOf } from './outcome.ts';
import type { Conversation, Peer, Place } from './peer.ts';
import { build, freePort, PeerProcess } from './process.ts';
import { CAREFUL, hasThoughts, MESSAGE, PING, replyTo, STEERING, WORDS, wordAt, wordsIn } from './script.ts';
import { Wire } from './wire.ts';

const PINGS = 12;
/** The first ones start what starts late. */
const WARM_UP_PINGS = 2;
const PATIENCE_MS = 60_000;
/** How long nothing may come while a client waits for more: longer than any peer's lease. */
const SILENCE_MS = 75_000;
/** And while it thinks that all is over, although there is something missing. */
const OVER_MS = 5000;
/** For what comes after the end: stored messages, the last frames. */
const SETTLE_MS = 500;
const LOOK_MS = 5;
const STEERED_AT = 10;
/** In the second model call, after a tool. */
const KILLED_AT = 250;
/** In the first. */
const CUT_AT = 80;
const AWAY_MS = 2000;

/** The reference turn, as one client and the model saw it. */
export interface TurnFigures {
  bytesDown: number;
  bytesUp: number;
  frames: number;
  /** From steering sent to the first model call that sees it. */
  steeringMs: number;
  /** Which model call of this conversation that was, from 1, and how many there were. */
  steeringInCall: number;
  calls: number;
  /** Words that the model had to say, and of these such as it had said before. */
  words: number;
  wordsAgain: number;
  seconds: number;
}

export interface PeerFigures {
  /** In milliseconds: from sent to first text, less the model's own time from call to first token. */
  firstText: Summary;
  turn: TurnFigures;
  variant?: TurnFigures;
  killed: Outcome;
  dropped: Outcome;
}

/** What failed, and the end of what the peer's server printed. */
class NotMeasured extends Error {
  override readonly name = 'NotMeasured';
}

const LOG_TAIL = 1500;

/** @throws {NotMeasured} when the peer cannot be run here. */
export async function measure(peer: Peer): Promise<PeerFigures> {
  const model = timedModel(replyTo);
  const server = await startModelServer(model.script);
  const folder = await mkdtemp(join(tmpdir(), 'midturn-peer-'));
  const place = { port: await freePort(), folder, modelUrl: server.baseUrl };
  const wire = await Wire.to(place.port);
  const bench = new Bench(peer, place, model, wire);
  try {
    await clear(peer.leftovers);
    if (peer.build) build(peer.build);
    return await bench.run();
  } catch (error) {
    const log = await readFile(join(folder, 'server.log'), 'utf8').catch(() => '');
    // `fetch failed` says why only in its cause.
    const cause = error instanceof Error && error.cause ? ` (${error.cause})` : '';
    throw new NotMeasured(`${error}${cause}\n${log.slice(-LOG_TAIL)}`, { cause: error });
  } finally {
    await bench.stop();
    await wire.close();
    await server.close();
    await clear([folder, ...peer.leftovers]);
  }
}

async function clear(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

class Bench {
  readonly #peer: Peer;
  readonly #place: Place;
  readonly #model: TimedModel;
  readonly #wire: Wire;
  #process: PeerProcess | undefined;

  constructor(peer: Peer, place: Place, model: TimedModel, wire: Wire) {
    this.#peer = peer;
    this.#place = place;
    this.#model = model;
    this.#wire = wire;
  }

  async run(): Promise<PeerFigures> {
    await this.#start();
    const { variant } = this.#peer;
    return {
      firstText: await this.#firstText(),
      turn: await this.#turn(this.#open()),
      ...(variant && { variant: await this.#turn(variant.open(this.#wire.host, newId())) }),
      dropped: await this.#interrupted(MESSAGE, CUT_AT, async () => {
        this.#wire.cut();
        await sleep(AWAY_MS);
      }),
      killed: await this.#interrupted(CAREFUL, KILLED_AT, async () => {
        await this.stop();
        await this.#start();
      }),
    };
  }

  async stop(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    await running?.kill();
  }

  async #start(): Promise<void> {
    this.#process = await PeerProcess.start(this.#peer.launch(this.#place), this.#place);
  }

  #open(id = newId()): Conversation {
    return this.#peer.open(this.#wire.host, id);
  }

  async #firstText(): Promise<Summary> {
    const chat = this.#open();
    await chat.connect();
    const samples: number[] = [];
    for (let n = 0; n < WARM_UP_PINGS + PINGS; n++) {
      const { length } = chat.arrivals.texts;
      const calls = this.#model.calls.length;
      const sentAt = performance.now();
      await chat.send(PING);
      await until(() => chat.arrivals.texts.length > length && chat.isOver(), PATIENCE_MS);
      const call = this.#model.calls[calls];
      const first = chat.arrivals.texts[length];
      if (!first || call?.firstTokenAt === undefined) throw new Error('no answer to a ping');
      samples.push(first.at - sentAt - (call.firstTokenAt - call.arrivedAt));
      await sleep(SETTLE_MS / 5);
    }
    await this.#leave();
    return summarize(samples.slice(WARM_UP_PINGS));
  }

  async #turn(chat: Conversation): Promise<TurnFigures> {
    const from = this.#model.calls.length;
    await chat.connect();
    await sleep(SETTLE_MS);
    this.#wire.take();
    const { frames } = chat.arrivals;
    const beganAt = performance.now();
    await chat.send(MESSAGE);
    await until(() => wordsIn(chat.answer()).length >= STEERED_AT, PATIENCE_MS);
    const steeredAt = performance.now();
    await chat.send(STEERING);
    await this.#end(chat, () => this.#callsWithSteering(from).length > 0);
    const endedAt = chat.arrivals.lastAt;
    const { up, down } = this.#wire.take();
    const calls = this.#model.calls.slice(from);
    const [steered] = this.#callsWithSteering(from);
    if (!steered) throw new Error('steering never reached the model');
    const said = calls.flatMap(({ request }) => wordsIn(wordsOf(request)));
    await this.#leave();
    return {
      bytesDown: down,
      bytesUp: up,
      frames: chat.arrivals.frames - frames,
      steeringMs: steered.arrivedAt - steeredAt,
      steeringInCall: calls.indexOf(steered) + 1,
      calls: calls.length,
      words: said.length,
      wordsAgain: said.length - new Set(said).size,
      seconds: (endedAt - beganAt) / 1000,
    };
  }

  /** The reference turn without steering; something happens to it at a word of its answer, and its client comes back. */
  async #interrupted(message: string, atWord: number, interrupt: () => Promise<void>): Promise<Outcome> {
    const id = newId();
    const chat = this.#open(id);
    const from = this.#model.calls.length;
    await chat.connect();
    await chat.send(message);
    await until(() => chat.answer().includes(`${wordAt(atWord)} `), PATIENCE_MS);
    const interruptedAt = performance.now();
    const calls = this.#model.calls.length;
    await interrupt();
    const shown = chat.answer();
    const seen = new Set(wordsIn(shown));
    const screen = new Screen(shown);
    await chat.connect();
    let newTextAt: number | undefined;
    const look = () => {
      const text = chat.answer();
      if (wordsIn(text).some((word) => !seen.has(word))) newTextAt ??= performance.now();
      screen.look(text, performance.now());
      return true;
    };
    await this.#end(chat, look);
    const reload = this.#open(id);
    await reload.connect();
    await quiet(reload);
    const before = this.#model.calls.slice(from, calls);
    const after = this.#model.calls.slice(calls);
    const again = after.flatMap(({ request }) => wordsIn(wordsOf(request)));
    await this.#leave();
    return {
      ...outcomeOf(shown, chat.answer(), reload.answer()),
      newTextAfterMs: newTextAt === undefined ? null : newTextAt - interruptedAt,
      wordsGeneratedAgain: again.filter((word) => seen.has(word)).length,
      wordsTakenBack: screen.wordsTakenBack,
      tokensPaidTwice: saidTwice(
        before.flatMap(({ said }) => said),
        after.flatMap(({ said }) => said),
      ),
      thoughts: thoughtsOf(
        before.some(({ request }) => hasThoughts(request) === true),
        after[0] && hasThoughts(after[0].request),
      ),
    };
  }

  /** Ends every connection, and gives clients time to notice. */
  async #leave(): Promise<void> {
    this.#wire.cut();
    await sleep(SETTLE_MS / 5);
  }

  /** Until its client thinks that it is over and all is said, or nothing has come for long. `isTrue` is asked all the time. */
  async #end(chat: Conversation, isTrue: () => boolean): Promise<void> {
    const from = performance.now();
    await until(() => {
      const isOver = chat.isOver();
      if (isTrue() && isOver && wordsIn(chat.answer()).includes(WORDS - 1)) return true;
      return performance.now() - Math.max(from, chat.arrivals.lastAt) > (isOver ? OVER_MS : SILENCE_MS);
    }, 3 * PATIENCE_MS);
    await sleep(SETTLE_MS);
  }

  #callsWithSteering(from: number) {
    return this.#model.calls.slice(from).filter(({ request }) => userMessages(request).includes(STEERING));
  }
}

/** Until nothing came for a while: a long stream may be read again from its beginning. */
async function quiet({ arrivals }: Conversation): Promise<void> {
  const from = performance.now();
  await until(() => performance.now() - Math.max(from, arrivals.lastAt) > 2 * SETTLE_MS, PATIENCE_MS);
}

const newId = () => crypto.randomUUID();

const wordsOf = (request: Parameters<typeof replyTo>[0]): string => replyTo(request).words.join('');

async function until(is: () => boolean, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!is()) {
    if (performance.now() > deadline) throw new Error('it takes too long');
    await sleep(LOOK_MS);
  }
}
