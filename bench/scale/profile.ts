import { readFile } from 'node:fs/promises';
import type { Random } from '../../test/simulation/random.ts';
import type { Charge } from '../cost/ledger.ts';
import { REFERENCE } from '../cost/reference-turn.ts';
import type { Imports } from '../latency/cold-start.ts';
import { FIRST_TOKEN_MS } from '../latency/conversation.ts';
import { medianOf, sample } from '../latency/delays.ts';
import { ANN, SESSION } from '../load/turns.ts';
import { resultPath } from '../report.ts';
import { pacedAgent } from '../virtual/agent.ts';
import { VirtualCloud } from '../virtual/cloud.ts';

/** What a stretch of time asks of services. */
export interface Demand {
  /** In milliseconds. */
  ms: number;
  writes: number;
  reads: number;
  posts: number;
}

/** What the code that runs asks for: once recorded, it stands for each person of a load. */
export interface Profile {
  /** The function `connection`, for a handshake. */
  handshake: Demand;
  /** The function `inbound`, for each kind of frame. */
  frames: Record<FrameKind, Demand>;
  /** From the begin of `inbound` to the send of the turn's token. */
  sendsAfterMs: number;
  /** From there to the turn function. */
  deliveryMs(random: Random): number;
  /** The turn function: up to the first text, then by the second. */
  turn: readonly Demand[];
  /** The stretch at whose begin somebody steers. */
  steersAt: number;
  /** How long a model call takes to its first token; part of the first stretch. */
  modelMs: number;
  outputTokens: number;
  /** From nothing to the begin of a function's first invocation. */
  startMs: Readonly<Record<FunctionOfLoad, number>>;
}

type FrameKind = 'connect' | 'message' | 'steering';
/** The functions that a load asks for. */
export type FunctionOfLoad = 'authorizer' | 'connection' | 'inbound' | 'turn';

interface Timed {
  by: string;
  service: string;
  operation: string;
  at: number;
}

type UnitsOf = (call: Pick<Timed, 'by' | 'operation'>) => number;

const SECOND = 1000;
const TOKEN_MS = SECOND / REFERENCE.tokensPerSecond;
const START_MS = medianOf('environment') + medianOf('firstRequest');
const STEERS_AFTER_MS = 2 * SECOND;

/** Write and read units of each call, as `npm run bench:cost` counted them; one for what it did not. */
export async function ledgerUnits(): Promise<UnitsOf> {
  const { charges } = JSON.parse(await readFile(resultPath('cost'), 'utf8')) as { charges: Charge[] };
  const units = new Map(
    charges
      .filter(({ unit }) => unit === 'writeUnits' || unit === 'readUnits')
      .map(({ by, what, count, quantity }) => [`${by} ${what}`, quantity / count]),
  );
  return ({ by, operation }) => units.get(`${by} ${operation}`) ?? 1;
}

/** Runs the core: a connection, a turn to warm up, and the reference turn whose calls are recorded, each as slow as its median. */
export async function recordProfile(unitsOf: UnitsOf, imports: Imports): Promise<Profile> {
  const calls: Timed[] = [];
  let step = 0;
  const { agent } = pacedAgent(() => {
    const at = step++;
    return {
      firstTokenMs: FIRST_TOKEN_MS,
      tokenMs: TOKEN_MS,
      tokens: REFERENCE.tokens[at] ?? 1,
      ...(at < REFERENCE.tools && { toolMs: SECOND * REFERENCE.toolSeconds }),
    };
  });
  const cloud: VirtualCloud = new VirtualCloud({
    delay: medianOf,
    agent,
    onCall: (call) => calls.push({ ...call, at: cloud.time.now }),
  });
  const { time } = cloud;
  const taken = () => calls.splice(0);
  const frameMs = medianOf('frame');
  return time.run(async () => {
    const dialledAt = time.now;
    const client = await cloud.open(ANN, SESSION);
    const handshake = demandOf(taken(), unitsOf, time.now - dialledAt);
    const connectedAt = client.send({ type: 'connect' }) + frameMs;
    const connected = await client.next('connected');
    await cloud.settled();
    const connect = demandOf(taken(), unitsOf, connected.at - connectedAt);

    const turn = async (n: number) => {
      step = 0;
      const replies = client.next('accepted');
      const chunk = client.next('chunk');
      const done = client.next('done');
      const begins = client.send({ type: 'message', id: `m${2 * n}`, content: MESSAGE }) + frameMs;
      const accepted = await replies;
      const firstText = await chunk;
      await time.wait({ service: 'clock', operation: 'pause', by: 'client' }, STEERS_AFTER_MS);
      const steered = client.next('accepted');
      const steersAt = client.send({ type: 'message', id: `m${2 * n + 1}`, content: STEERING }) + frameMs;
      const steering = await steered;
      await done;
      await cloud.settled();
      return { begins, accepted, firstText, steersAt, steering, endedAt: time.now, calls: taken() };
    };
    // The first turn of a session does more than the others.
    await turn(0);
    const { begins, accepted, firstText, steersAt, steering, endedAt, calls: all } = await turn(1);
    const inbound = all.filter(({ by }) => by === 'inbound');
    const ofTurn = all.filter(({ by }) => by === 'turn');
    const sent = inbound.find(({ operation }) => operation === 'SendMessage');
    const [first] = ofTurn;
    if (!sent || !first) throw new Error('The turn was not sent, or did not begin.');
    // An effect is half-way in its call.
    const startedAt = first.at - medianOf('read') / 2;
    const edges = [startedAt, firstText.at];
    while ((edges.at(-1) ?? 0) + SECOND < endedAt) edges.push((edges.at(-1) ?? 0) + SECOND);
    edges.push(endedAt);
    return {
      handshake,
      frames: {
        connect,
        message: demandOf(before(inbound, steersAt), unitsOf, accepted.at - begins),
        steering: demandOf(after(inbound, steersAt), unitsOf, steering.at - steersAt),
      },
      deliveryMs: (random) => sample('fifo', random),
      sendsAfterMs: sent.at - medianOf('send') / 2 - begins,
      turn: edges.slice(1).map((to, n) => {
        const from = edges[n] ?? to;
        return demandOf(before(after(ofTurn, n === 0 ? 0 : from), to), unitsOf, to - from);
      }),
      steersAt: edges.findIndex((edge) => edge > steersAt) - 1,
      modelMs: FIRST_TOKEN_MS,
      outputTokens: REFERENCE.tokens.reduce((sum, tokens) => sum + tokens, 0),
      startMs: {
        authorizer: medianOf('environment') + imports.authorizer,
        connection: START_MS + imports.connection,
        inbound: START_MS + imports.inbound,
        turn: START_MS + imports.turn,
      },
    };
  });
}

const MESSAGE = 'Could you compare the two plans and tell me which one fits a team of five?';
const STEERING = 'Please leave out the part about the price, and mind that two of us work part-time.';

const before = (calls: readonly Timed[], at: number) => calls.filter((call) => call.at < at);
const after = (calls: readonly Timed[], at: number) => calls.filter((call) => call.at >= at);

const READS = new Set(['GetItem', 'Query']);

function demandOf(calls: readonly Timed[], unitsOf: UnitsOf, ms: number): Demand {
  const demand = { ms, writes: 0, reads: 0, posts: 0 };
  for (const call of calls) {
    if (call.service === 'execute-api') demand.posts++;
    else if (call.service === 'dynamodb') {
      const isRead = READS.has(call.operation.split(' ')[0] ?? '');
      demand[isRead ? 'reads' : 'writes'] += unitsOf(call);
    }
  }
  return demand;
}

export const sumOf = (demands: readonly Demand[]): Demand =>
  demands.reduce(
    (sum, { ms, writes, reads, posts }) => ({
      ms: sum.ms + ms,
      writes: sum.writes + writes,
      reads: sum.reads + reads,
      posts: sum.posts + posts,
    }),
    { ms: 0, writes: 0, reads: 0, posts: 0 },
  );
