import type { Principal } from '../../core/store/items.ts';
import { Random } from '../../test/simulation/random.ts';
import { REFERENCE } from '../cost/reference-turn.ts';
import type { ModelCall, Script } from '../virtual/agent.ts';
import { pacedAgent } from '../virtual/agent.ts';
import type { Arrived, Client, DelayOf } from '../virtual/cloud.ts';
import { VirtualCloud } from '../virtual/cloud.ts';
import type { Call } from '../virtual/time.ts';
import { pathTo } from '../virtual/time.ts';
import { medianOf, sample } from './delays.ts';

/** The model's own time to its first token: long enough for what is done beside it, as any model's is. */
export const FIRST_TOKEN_MS = 500;
const TOKEN_MS = 1000 / REFERENCE.tokensPerSecond;
const MESSAGE = 'Could you compare the two plans and tell me which one fits a team of five?';
const STEERING = 'Please leave out the part about the price, and mind that two of us work part-time.';
const NOBODY: Principal = { tenant: 'acme', subject: 'ann' };

/** What happens to a turn while it runs. */
export type Act = 'steered' | 'steered now' | 'aborted';

interface SteeringTimes {
  accepted: number;
  takenIn: number;
  /** From the boundary that came next, after what was going on then, to the model call that has it. */
  fromBoundary: number;
  /** Boundaries that passed although the message was on the lane before. */
  missed: number;
}

/** All in virtual milliseconds, of one turn. */
export interface TurnTimes {
  act: Act;
  /** The first turn of its session has more to do. */
  isFirst: boolean;
  accepted: number;
  /** Frame sent to first chunk, without the model's own time. */
  firstChunk: number;
  /** Frame sent to the turn's end, without the model's and the tools' own time. */
  endToEnd: number;
  /** Of a steered turn. */
  steering?: SteeringTimes;
  /** Abort sent to `aborted` at the client. */
  aborted?: number;
}

/** What was waited for, one call after the other; of the last turn that was steered. */
export interface Paths {
  accepted: Call[];
  firstChunk: Call[];
  /** From the end of what the model said to the next model call. */
  steering: Call[];
}

export interface Conversation {
  turns: TurnTimes[];
  paths: Paths;
}

/** Each call as slow as a seed says. */
const sampled =
  (random: Random): DelayOf =>
  (what) =>
    sample(what, random);
/** The same, where a turn also begins when a message of a standard queue comes first. */
export const woken =
  (random: Random): DelayOf =>
  (what) =>
    what === 'fifo' ? Math.min(sample('fifo', random), sample('standard', random)) : sample(what, random);
/** Each call as slow as the median of its kind: for a path that is the same in each run. */
export const median = (): DelayOf => medianOf;

/** One session of reference turns, each with something happening at a moment that the seed decides. */
export function converse(
  seed: number,
  acts: readonly Act[],
  delaysOf: (random: Random) => DelayOf = sampled,
): Promise<Conversation> {
  const random = new Random(seed);
  const conversation = new Run(random, delaysOf(random));
  return conversation.run(acts);
}

class Run {
  readonly #random: Random;
  readonly #cloud: VirtualCloud;
  readonly #calls: ModelCall[];
  /** The place of the next model call within its turn. */
  #step = 0;
  #sent = 0;
  readonly #paths: Paths = { accepted: [], firstChunk: [], steering: [] };

  constructor(random: Random, delay: DelayOf) {
    this.#random = random;
    const { calls, agent } = pacedAgent(() => this.#script());
    this.#calls = calls;
    this.#cloud = new VirtualCloud({ delay, agent });
  }

  run(acts: readonly Act[]): Promise<Conversation> {
    return this.#cloud.time.run(async () => {
      const client = await this.#cloud.connect(NOBODY, 'session');
      const turns: TurnTimes[] = [];
      for (const act of acts) {
        turns.push(await this.#turn(client, act, turns.length === 0));
        await this.#cloud.settled();
        await this.#pause(this.#random.int(1000, 5000));
      }
      return { turns, paths: this.#paths };
    });
  }

  /** Tools in the first calls of a turn; what comes after that is an answer. */
  #script(): Script {
    const step = this.#step++;
    return {
      firstTokenMs: FIRST_TOKEN_MS,
      tokenMs: TOKEN_MS,
      tokens: REFERENCE.tokens[step % REFERENCE.tokens.length] ?? 1,
      ...(step < REFERENCE.tools && { toolMs: 1000 * REFERENCE.toolSeconds }),
    };
  }

  async #turn(client: Client, act: Act, isFirst: boolean): Promise<TurnTimes> {
    this.#step = 0;
    const firstCall = this.#calls.length;
    const accepted = client.next('accepted');
    const firstChunk = client.next('chunk');
    const end = client.next(act === 'aborted' ? 'aborted' : 'done');
    const sentAt = client.send(this.#message(MESSAGE, 'steer'));
    const chunk = await firstChunk;
    // At any time in the turn, also while a tool runs or the last call streams.
    await this.#pause(this.#random.int(1, act === 'aborted' ? 2000 : 8000));
    const acted = act === 'aborted' ? await this.#abort(client) : await this.#steer(client, act);
    const last = await end;
    const steering = 'sentAt' in acted ? { steering: this.#steering(act, acted) } : acted;
    const calls = this.#calls.slice(firstCall);
    const acceptedFrame = await accepted;
    if (act !== 'aborted') {
      this.#paths.accepted = pathOf(acceptedFrame);
      this.#paths.firstChunk = pathOf(chunk);
    }
    const own = calls.reduce((sum, call) => sum + (call.endedAt ?? last.at) - call.at, 0);
    const tools = Math.min(REFERENCE.tools, calls.length - 1) * 1000 * REFERENCE.toolSeconds;
    return {
      act,
      isFirst,
      accepted: acceptedFrame.at - sentAt,
      firstChunk: chunk.at - sentAt - FIRST_TOKEN_MS,
      endToEnd: last.at - sentAt - own - tools,
      ...steering,
    };
  }

  async #steer(client: Client, act: Act): Promise<{ sentAt: number; accepted: Arrived }> {
    const accepted = client.next('accepted');
    const sentAt = client.send(this.#message(STEERING, act === 'steered' ? 'steer' : 'now'));
    return { sentAt, accepted: await accepted };
  }

  #steering(act: Act, { sentAt, accepted }: { sentAt: number; accepted: Arrived }): SteeringTimes {
    const count = (call: ModelCall) => JSON.stringify(call.request.messages).split(STEERING).length - 1;
    // The call that shows one of these messages more than the one before it.
    const at = this.#calls.findIndex(
      (call, n) => call.at > sentAt && count(call) > count(this.#calls[n - 1] ?? call),
    );
    const [before, call] = [this.#calls[at - 1], this.#calls[at]];
    if (!before || !call) throw new Error('No model call has the message.');
    const stored = pathOf(accepted).find(({ operation }) => operation.startsWith('UpdateItem LANE'));
    if (act === 'steered' && call.after) {
      this.#paths.steering = pathTo(call.after, ({ by }) => by === 'model' || by === 'tool').slice(1);
    }
    const missed = this.#calls.filter(({ at }) => at > (stored?.ended ?? 0) && at < call.at).length;
    return {
      accepted: accepted.at - sentAt,
      takenIn: call.at - sentAt,
      fromBoundary: call.at - this.#boundaryBefore(call, before),
      missed,
    };
  }

  /** When what went on before a call was over: the call before it, and its tool. */
  #boundaryBefore(call: ModelCall, before: ModelCall): number {
    const endedAt = before.endedAt ?? call.at;
    const last = call.request.messages.findLast(({ role }) => role !== 'user');
    return last?.role === 'tool' && endedAt + 1000 * REFERENCE.toolSeconds < call.at
      ? endedAt + 1000 * REFERENCE.toolSeconds
      : endedAt;
  }

  async #abort(client: Client): Promise<Pick<TurnTimes, 'aborted'>> {
    const aborted = client.next('aborted');
    const sentAt = client.send({ type: 'abort' });
    return { aborted: (await aborted).at - sentAt };
  }

  #message(content: string, delivery: 'steer' | 'now') {
    return { type: 'message', id: `m${++this.#sent}`, content, delivery } as const;
  }

  #pause(ms: number): Promise<void> {
    return this.#cloud.time.wait({ service: 'clock', operation: 'pause', by: 'client' }, ms);
  }
}

/** From the client's frame to one at the client. */
const pathOf = ({ post }: Arrived): Call[] => pathTo(post, ({ by }) => by === 'client');
