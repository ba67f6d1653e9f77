import { setTimeout as sleep } from 'node:timers/promises';
import { brokenPromises, type SessionRecord } from '../local/demo/promises.ts';
import type { ChatRequest } from '../test/support/model-server.ts';
import type { Received } from '../test/support/ws-client.ts';
import type { Bench, BenchResult } from './result.ts';
import { BenchSession } from './session.ts';
import { startStack } from './stack.ts';
import { summarize } from './stats.ts';
import { timedModel, userMessages } from './timed-model.ts';

/** Fewer by SESSIONS, for a machine that has other things to do. */
const SESSIONS = Number(process.env.SESSIONS ?? 50);
/** Fifty turns at once need fifty execution environments, and each costs 0.4 s of processor time to start. */
const WARM_UP_MS = 500;
const RELEASE_MS = 100;
/** People do not all press enter at once. */
const ARRIVAL_MS = 100;
const WARM_UP_WORDS = ['Ready', '.'];
const WORDS = Array.from({ length: 16 }, (_, index) => ` word${index}`);
const PACE = { firstTokenMs: 300, tokenMs: 150 };

/** How often each turn is steered, by turn: sessions have two turns or three, beside the one to warm up. */
const STEERINGS = [
  [1, 2],
  [1, 2, 0],
] as const;

interface SessionRun {
  /** Of the whole session. */
  record: SessionRecord;
  /** What follows is without the warm-up. */
  frames: readonly Received[];
  bytes: number;
  repeats: number;
  /** In milliseconds. */
  accepted: number[];
}

/**
 * Fifty people at once, all streaming, all steering; every promise is checked when they are done. To warm up, each session
 * has a short turn, which the model holds back until all of them have called it.
 */
export const concurrent: Bench = { name: 'concurrent', run };

async function run(): Promise<BenchResult> {
  let held = 0;
  const warm = Promise.withResolvers<void>();
  const model = timedModel(async (request) => {
    if (!request.messages.some(({ role }) => role === 'assistant')) {
      const place = ++held;
      if (place === SESSIONS) warm.resolve();
      await warm.promise;
      return { words: WARM_UP_WORDS, firstTokenMs: place * RELEASE_MS, tokenMs: 0 };
    }
    // A tool in the first call, so that steering also meets a tool batch.
    const { role, content } = request.messages.at(-1) ?? {};
    const isFirst = role === 'user' && content?.endsWith(' m2');
    const toolCalls = isFirst ? [{ name: 'wait', args: { seconds: 0.2 } }] : [];
    return { words: WORDS, ...PACE, toolCalls };
  });
  await using stack = await startStack(model);
  const sessions = await Promise.all(
    Array.from({ length: SESSIONS }, async (_, index) => {
      await sleep(index * WARM_UP_MS);
      const session = await BenchSession.open(stack.url, `s${index}`);
      await session.send().accepted;
      await session.answered();
      return session;
    }),
  );
  const callsBefore = model.calls.length;
  const began = performance.now();
  const runs = await Promise.all(sessions.map(converse));
  const seconds = (performance.now() - began) / 1000;

  const frames = runs.flatMap(({ frames }) => frames);
  const calls = model.calls.length - callsBefore;
  const turns = frames.filter(({ type }) => type === 'done').length;
  const events = frames.filter((frame) => 'seq' in frame).length;
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
  const words = calls * WORDS.length;
  const repeats = runs.reduce((sum, run) => sum + run.repeats, 0);
  return {
    about: `${SESSIONS} sessions at once, ${turns} turns, ${calls} model calls of ${WORDS.length} words, one every ${PACE.tokenMs} ms`,
    figures: [
      {
        name: 'message to accepted',
        unit: 'ms',
        summary: summarize(runs.flatMap(({ accepted }) => accepted)),
      },
      { name: 'wall time', unit: 's', value: seconds },
      { name: 'turns', unit: '/s', value: turns / seconds },
      {
        name: 'messages accepted',
        unit: '/s',
        value: runs.flatMap(({ accepted }) => accepted).length / seconds,
      },
      { name: 'words streamed by the model', unit: '/s', value: words / seconds },
      { name: 'events received', unit: '/s', value: events / seconds },
      { name: 'received', unit: 'KiB/s', value: bytes / 1024 / seconds },
      { name: 'frames per turn', unit: '', value: frames.length / turns },
      { name: 'messages repeated for want of an answer', unit: '', value: repeats },
    ],
    broken: runs.flatMap(({ record }, index) => [
      ...brokenPromises(record).map((line) => `s${index}: ${line}`),
      ...brokenPrompts(
        record,
        `s${index}`,
        model.calls.map(({ request }) => request),
      ),
    ]),
  };
}

async function converse(session: BenchSession, index: number): Promise<SessionRun> {
  await sleep(index * ARRIVAL_MS);
  const before = { frames: session.frames.length, bytes: session.bytes, repeats: session.repeats };
  const accepted: number[] = [];
  const send = async () => {
    const { sentAt, accepted: answered } = session.send();
    accepted.push((await answered) - sentAt);
  };
  for (const steerings of STEERINGS[index % 2] ?? []) {
    await send();
    for (let n = 0; n < steerings; n++) {
      await session.nextChunk();
      await send();
    }
    await session.answered();
  }
  const measured = {
    frames: session.frames.slice(before.frames),
    bytes: session.bytes - before.bytes,
    repeats: session.repeats - before.repeats,
    accepted,
  };
  return { ...measured, record: await session.end() };
}

/** P1, P6 and P11 as the model sees them: in every call a prefix of the session's messages, in the last one all. */
function brokenPrompts(
  { transcript }: SessionRecord,
  name: string,
  requests: readonly ChatRequest[],
): string[] {
  const stored = transcript.flatMap((entry) => (entry.role === 'user' ? [entry.content] : []));
  const seen = requests.map(userMessages).filter((messages) => messages[0]?.startsWith(`${name} `));
  const broken = seen.flatMap((messages, call) =>
    messages.every((content, at) => content === stored[at])
      ? []
      : [`P6: model call ${call + 1} of ${name} saw other messages, or in another order, than are stored`],
  );
  if (seen.at(-1)?.length !== stored.length) broken.push(`P1: no model call of ${name} saw its last message`);
  return broken;
}
