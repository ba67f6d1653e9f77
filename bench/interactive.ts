import { brokenPromises } from '../local/demo/promises.ts';
import type { Bench, BenchResult } from './result.ts';
import { BenchSession } from './session.ts';
import { startStack } from './stack.ts';
import { summarize } from './stats.ts';
import { type TimedCall, timedModel, userMessages } from './timed-model.ts';

const TURNS = 200;
const WARM_UP = 20;
/** Short conversations: how a turn's cost grows with the transcript is another question. */
const TURNS_PER_SESSION = 10;
const WORDS = ['One', ' two', ' three', ' four', ' five', ' six'];
/** Long enough for a steering message to come in mid-answer. */
const PACE = { firstTokenMs: 20, tokenMs: 15 };

/** In milliseconds. */
interface TurnTimes {
  accepted: number;
  /** Frame sent to first chunk, without the model's own time from call to first token. */
  firstChunk: number;
  /** The two parts of that: frame sent to model called, and first token sent to first chunk here. */
  toModel: number;
  fromModel: number;
  steeringAccepted: number;
}

/** What one person feels on an otherwise idle, warm stack: one session at a time, one turn after the other. */
export const interactive: Bench = { name: 'interactive', run };

async function run(): Promise<BenchResult> {
  const model = timedModel(() => ({ words: WORDS, ...PACE }));
  const times: TurnTimes[] = [];
  const broken: string[] = [];
  await using stack = await startStack(model);
  for (let done = 0; done < WARM_UP + TURNS; done += TURNS_PER_SESSION) {
    const session = await BenchSession.open(stack.url, `s${done}`);
    for (let turn = 0; turn < TURNS_PER_SESSION; turn++) {
      const taken = await takeTurn(session, model.calls);
      if (done >= WARM_UP) times.push(taken);
    }
    broken.push(...brokenPromises(await session.end()).map((line) => `${session.name}: ${line}`));
  }
  const of = (part: keyof TurnTimes) => summarize(times.map((taken) => taken[part]));
  return {
    about: `${TURNS} turns, each steered once, one at a time, after ${WARM_UP} to warm up`,
    figures: [
      { name: 'message to accepted', unit: 'ms', summary: of('accepted'), target: { p50Below: 25 } },
      { name: 'steering to accepted', unit: 'ms', summary: of('steeringAccepted'), target: { p50Below: 25 } },
      {
        name: 'message to first chunk, less the model',
        unit: 'ms',
        summary: of('firstChunk'),
        target: { p50Below: 60 },
      },
      { name: '  of it: message to model called', unit: 'ms', summary: of('toModel') },
      { name: '  of it: first token to first chunk', unit: 'ms', summary: of('fromModel') },
    ],
    broken,
  };
}

async function takeTurn(session: BenchSession, calls: readonly TimedCall[]): Promise<TurnTimes> {
  const message = session.send();
  const [acceptedAt, chunkAt] = await Promise.all([message.accepted, session.nextChunk()]);
  const steering = session.send();
  const steeringAcceptedAt = await steering.accepted;
  await session.answered();
  const call = calls.find(({ request }) => userMessages(request).includes(message.content));
  if (call?.firstTokenAt === undefined) throw new Error(`${message.content} was in no model call.`);
  const toModel = call.arrivedAt - message.sentAt;
  const fromModel = chunkAt - call.firstTokenAt;
  return {
    accepted: acceptedAt - message.sentAt,
    firstChunk: toModel + fromModel,
    toModel,
    fromModel,
    steeringAccepted: steeringAcceptedAt - steering.sentAt,
  };
}
