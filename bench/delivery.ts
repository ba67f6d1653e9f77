import type { Principal } from '../core/store/items.ts';
import type { ConnectFrame } from '../protocol/client-frames.ts';
import { medianOf } from './latency/delays.ts';
import { dated, table } from './page.ts';
import type { Bench, BenchResult, Figure } from './result.ts';
import { pacedAgent, type Script } from './virtual/agent.ts';
import type { Client } from './virtual/cloud.ts';
import { VirtualCloud } from './virtual/cloud.ts';

/**
 * What listeners that do not answer cost the others, and how long a replay takes: in virtual time, each call as slow as
 * the median of its kind on AWS (bench/latency/delays.ts).
 */
export const delivery: Bench = {
  name: 'delivery',
  run,
  page: ({ figures }, where) => ({
    section: { name: 'delivery', command: 'npm run bench -- delivery' },
    text: [
      dated(where),
      table(
        ['', 'ms'],
        figures.map((figure) => [figure.name, 'value' in figure ? String(Math.round(figure.value)) : '']),
      ),
    ].join('\n\n'),
  }),
};

/** How much later a listener that does not answer may make anybody else, in ms, and when it is closed at the latest. */
const LATE_MS = 3000;

const ANN: Principal = { tenant: 'acme', subject: 'ann' };
const SESSION = 'session';
const TOKEN_MS = 1000 / 60;
/** A fixed window, so that many events come in a short time, each of them so long after the one before. */
const FLUSH_MS = 100;
const EVENTS_PER_SECOND = 1000 / FLUSH_MS;

interface Case {
  seconds: number;
  /** Listeners that vanish without a word in mid-turn, all at once or one after the other. */
  hanging?: number;
  spreadMs?: number;
  turnMs?: number;
}

/** A turn that streams for so long: when its end came, and what went wrong. */
async function turnWith({ seconds, hanging = 0, spreadMs = 0, turnMs }: Case) {
  const cloud = cloudSaying(saying(seconds), turnMs);
  return cloud.time.run(async () => {
    const client = await cloud.connect(ANN, SESSION);
    const others: Client[] = [];
    for (let n = 0; n < hanging; n++) others.push(await cloud.connect(ANN, SESSION));
    const sentAt = client.send({ type: 'message', id: 'm1', content: 'Go on.' });
    await client.next('chunk');
    const done = client.next('done');
    const hungAt = cloud.time.now;
    for (const other of others) {
      cloud.hang(other);
      if (spreadMs > 0) await pause(cloud, spreadMs);
    }
    const end = await done;
    await cloud.settled();
    const gaps = client.frames.map(({ at }, n) => at - (client.frames[n - 1]?.at ?? at));
    return {
      cloud,
      turnMs: end.at - sentAt,
      restMs: cloud.time.now - end.at,
      longestGapMs: Math.max(...gaps.slice(3)),
      closedAfterMs: cloud.closed.map(({ at }) => at - hungAt),
    };
  });
}

/** A client that reloads after so many events of a running turn. */
async function reloadAfter(events: number, frame: ConnectFrame) {
  const seconds = events / EVENTS_PER_SECOND;
  const cloud = cloudSaying(saying(seconds + 300), 900_000);
  return cloud.time.run(async () => {
    const first = await cloud.connect(ANN, SESSION);
    first.send({ type: 'message', id: 'm1', content: 'Go on.' });
    await first.next('chunk', (arrived) => 'seq' in arrived && arrived.seq >= events);
    const back = await cloud.open(ANN, SESSION);
    const sentAt = back.send(frame);
    const limit = pause(cloud, 120_000).then(() => undefined);
    const connected = await Promise.race([back.next('connected'), limit]);
    await pause(cloud, 20_000);
    const seqs = back.frames.flatMap((arrived) => ('seq' in arrived ? [arrived.seq] : []));
    return {
      connectedMs: connected && connected.at - sentAt,
      /** Once, in order, and as far as another client has them by now. */
      isWhole:
        seqs.every((seq, n) => seq === n + 1) && seqs.length >= lastSeqOf(first) && seqs.length > events,
      killed: [...cloud.killed],
    };
  });
}

const lastSeqOf = ({ frames }: Client): number =>
  Math.max(...frames.flatMap((arrived) => ('seq' in arrived ? [arrived.seq] : [])));

const saying = (seconds: number): Script => ({
  firstTokenMs: 500,
  tokenMs: TOKEN_MS,
  tokens: Math.round((seconds * 1000) / TOKEN_MS),
});

function cloudSaying(script: Script, turnMs?: number): VirtualCloud {
  let calls = 0;
  // After a hand-over the answer is soon over.
  const { agent } = pacedAgent(() => (calls++ === 0 ? script : saying(1)));
  return new VirtualCloud({
    delay: medianOf,
    agent,
    settings: { MIDTURN_FLUSH_MS: String(FLUSH_MS) },
    ...(turnMs && { turnMs }),
  });
}

const pause = (cloud: VirtualCloud, ms: number) =>
  cloud.time.wait({ service: 'clock', operation: 'pause', by: 'client' }, ms);

async function run(): Promise<BenchResult> {
  const figures: Figure[] = [];
  const broken: string[] = [];
  const note = (name: string, value: number) => figures.push({ name, unit: 'ms', value });

  const alone = await turnWith({ seconds: 2 });
  note('a turn of 2 s', alone.turnMs);
  for (const [name, hanging, spreadMs] of [
    ['1 listener hangs', 1, 0],
    ['19 listeners hang at once', 19, 0],
    ['10 listeners hang, one after the other', 10, 150],
  ] as const) {
    const { turnMs, longestGapMs, closedAfterMs, cloud } = await turnWith({ seconds: 2, hanging, spreadMs });
    note(`${name}: the turn`, turnMs);
    note(`${name}: longest gap between two frames`, longestGapMs);
    note(`${name}: the last one is closed after`, Math.max(...closedAfterMs));
    if (turnMs > alone.turnMs + LATE_MS)
      broken.push(`${name}: the turn ends ${turnMs - alone.turnMs} ms later`);
    if (closedAfterMs.length < hanging) broken.push(`${name}: ${closedAfterMs.length} were closed`);
    if (spreadMs === 0 && Math.max(...closedAfterMs) > LATE_MS) broken.push(`${name}: closed late`);
    if (cloud.killed.length > 0) broken.push(`${name}: ${cloud.killed.join(', ')} killed`);
  }

  // The function's time limit comes while the listener hangs.
  const handedOver = { seconds: 30, turnMs: 25_000 };
  const calm = await turnWith(handedOver);
  const late = await turnWith({ ...handedOver, hanging: 1 });
  note('a turn that is handed over', calm.turnMs);
  note('the same, 1 listener hangs', late.turnMs);
  if (late.turnMs > calm.turnMs + LATE_MS) broken.push('a hand-over with a hanging listener is late');
  if (late.cloud.killed.length > 0) broken.push(`a hand-over: ${late.cloud.killed.join(', ')} killed`);

  for (const events of [500, 1500, 5000]) {
    const name = `a reload after ${events} events of a running turn`;
    const { connectedMs, isWhole, killed } = await reloadAfter(events, {
      type: 'connect',
      resume: { after_seq: 0 },
    });
    if (connectedMs === undefined) broken.push(`${name}: no connected`);
    else note(`${name}: connected after`, connectedMs);
    if (!isWhole) broken.push(`P9: ${name}: not once, in order and whole`);
    if (killed.length > 0) broken.push(`${name}: ${killed.join(', ')} killed`);
  }
  return { about: 'in virtual time, each call as slow as the median of its kind on AWS', figures, broken };
}
