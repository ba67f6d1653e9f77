import { setTimeout as sleep } from 'node:timers/promises';
import { brokenPromises } from '../../local/demo/promises.ts';
import { BenchSession } from '../session.ts';
import { startStack } from '../stack.ts';
import { percentile, type Summary, summarize } from '../stats.ts';
import { timedModel } from '../timed-model.ts';

/** So many people at once on the local cloud, all streaming, all steering: what the machine holds, stand-ins included. */

const TOKENS_PER_SECOND = 60;
const TOKENS = 180;
const FIRST_TOKEN_MS = 300;
/** An environment takes its time to start; and people do not all press enter at once. */
const WARM_UP_MS = 300;
const ARRIVAL_MS = 3000;
/** The message, and one that steers: two answers. */
const OWN_MS = 2 * (FIRST_TOKEN_MS + (1000 * TOKENS) / TOKENS_PER_SECOND);
const WORDS = Array.from({ length: TOKENS }, (_, n) => ` word${n}`);

export interface Level {
  sessions: number;
  framesPerSecond: number;
  tokensPerSecond: number;
  /** In ms. */
  accepted: Summary;
  queueWait: Summary;
  /** How long the turns took over what the model takes: 1 is as fast as the model speaks. */
  stretch: number;
  broken: string[];
}

export async function measureSessions(levels: readonly number[]): Promise<Level[]> {
  const model = timedModel((request) =>
    request.messages.some(({ role }) => role === 'assistant')
      ? { words: WORDS, firstTokenMs: FIRST_TOKEN_MS, tokenMs: 1000 / TOKENS_PER_SECOND }
      : { words: ['Ready.'], firstTokenMs: 0, tokenMs: 0 },
  );
  await using stack = await startStack(model);
  const measured: Level[] = [];
  for (const sessions of levels) measured.push(await level(stack.url, sessions));
  return measured;
}

async function level(url: string, count: number): Promise<Level> {
  const sessions: BenchSession[] = [];
  for (let n = 0; n < count; n++) {
    const session = await BenchSession.open(url, `level${count}-${n}`);
    await session.send().accepted;
    await Promise.all([session.answered(), sleep(WARM_UP_MS)]);
    sessions.push(session);
  }
  const before = sessions.map(({ frames }) => frames.length);
  const began = performance.now();
  const turns = await Promise.all(
    sessions.map(async (session, n) => {
      await sleep((n * ARRIVAL_MS) / count);
      return steeredTurn(session);
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const frames = sessions.reduce((sum, session, n) => sum + session.frames.length - (before[n] ?? 0), 0);
  const records = await Promise.all(sessions.map((session) => session.end()));
  const took = turns.map((turn) => turn.tookMs).sort((a, b) => a - b);
  return {
    sessions: count,
    framesPerSecond: frames / seconds,
    tokensPerSecond: (2 * TOKENS * count) / seconds,
    accepted: summarize(turns.flatMap((turn) => turn.accepted)),
    queueWait: summarize(turns.map((turn) => turn.queueWaitMs)),
    stretch: percentile(took, 50) / OWN_MS,
    broken: records.flatMap((record) => brokenPromises(record)),
  };
}

async function steeredTurn(session: BenchSession) {
  const message = session.send();
  const begun = session.begun(message).then((at) => at - message.sentAt);
  const accepted = [(await message.accepted) - message.sentAt];
  await session.nextChunk();
  await sleep(1000);
  const steering = session.send();
  accepted.push((await steering.accepted) - steering.sentAt);
  await session.answered();
  return { accepted, queueWaitMs: await begun, tookMs: performance.now() - message.sentAt };
}
