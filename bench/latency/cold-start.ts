import { FUNCTIONS } from '../../infra/function-table.ts';
import { Random } from '../../test/simulation/random.ts';
import { pacedAgent } from '../virtual/agent.ts';
import type { DelayOf, Invoked, Start } from '../virtual/cloud.ts';
import { VirtualCloud } from '../virtual/cloud.ts';
import { FIRST_TOKEN_MS } from './conversation.ts';
import type { DelayName } from './delays.ts';

/** How long each function's code takes to load, in milliseconds. */
export type Imports = Readonly<Record<Invoked, number>>;

/** How the functions of a stack start. */
export interface Starts {
  /** The first request to the table: while the environment starts, or in its first invocation. */
  firstRequest: 'while it starts' | 'in the first invocation';
  /** Whether an environment of `connection` that starts wakes the turn function. */
  wakes: boolean;
}

/** What somebody waits for, in virtual milliseconds, who connects and at once sends a message. */
export interface FirstMessage {
  /** Until the connection is open. */
  handshake: number;
  /** From `connect` to `connected`. */
  connected: number;
  /** From the message to `accepted`. */
  accepted: number;
  /** From the message to the first text, less the model's own time. */
  firstText: number;
  /** From the handshake to the first text, less the model's own time. */
  all: number;
}

/** Draws how long something takes. */
export type Draw = (what: DelayName) => number;

/**
 * Of a first request, what the processor does: the first call of a function less its second one, with services that answer at
 * once (`npm run bench -- bundles` on 2026-11-28, when the first request was part of the first call).
 */
export const REQUEST_PROCESSOR_MS = 49;
/** A function of so many MB has one processor (docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). */
const ONE_PROCESSOR_MB = 1769;

/**
 * The first message to a stack in which nothing runs.
 *
 * @param draw makes the draws of a seed. Those of services and those of environments are apart, so that `starts` changes no other draw.
 * @param starts undefined: all functions run already
 */
export function firstMessage(
  draw: (random: Random) => Draw,
  seed: number,
  imports: Imports,
  starts?: Starts,
): Promise<FirstMessage> {
  const ofEnvironments = draw(new Random(seed + 1_000_000));
  return dial(draw(new Random(seed)), starts && ((by) => startOf(by, ofEnvironments, imports[by], starts)));
}

function startOf(by: Invoked, draw: Draw, importMs: number, { firstRequest, wakes }: Starts): Start {
  const loadMs = draw('environment') + importMs;
  const { table, memoryMb } = FUNCTIONS[by];
  const requestMs = draw('firstRequest');
  if (table.length === 0) return { loadMs, beforeMs: 0 };
  const slower = ONE_PROCESSOR_MB / memoryMb - 1;
  return {
    loadMs,
    // The first invocation waits for it in both cases.
    beforeMs: firstRequest === 'while it starts' ? requestMs : requestMs + REQUEST_PROCESSOR_MS * slower,
    ...(wakes && by === 'connection' && { wakes: 'turn' }),
  };
}

function dial(delay: DelayOf, start: ((by: Invoked) => Start) | undefined): Promise<FirstMessage> {
  const { agent } = pacedAgent(() => ({ firstTokenMs: FIRST_TOKEN_MS, tokenMs: 16, tokens: 20 }));
  const cloud = new VirtualCloud({ delay, agent, ...(start && { start }) });
  const { time } = cloud;
  return time.run(async () => {
    const dialled = time.now;
    const handshake = { service: 'execute-api', operation: 'handshake', by: 'client' };
    await time.call(handshake, delay('frame'), () => {});
    const client = await cloud.open({ tenant: 'acme', subject: 'ann' }, 'session');
    const opened = time.now;
    client.send({ type: 'connect' });
    const connected = await client.next('connected');
    const sent = client.send({ type: 'message', id: 'm1', content: 'Where is my order?' });
    const [accepted, chunk] = await Promise.all([client.next('accepted'), client.next('chunk')]);
    await client.next('done');
    await cloud.settled();
    return {
      handshake: opened - dialled,
      connected: connected.at - opened,
      accepted: accepted.at - sent,
      firstText: chunk.at - sent - FIRST_TOKEN_MS,
      all: chunk.at - dialled - FIRST_TOKEN_MS,
    };
  });
}
