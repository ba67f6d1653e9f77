import { epochMs, epochSeconds } from '../../config/units.ts';
import { asMessageId, asSessionId, asTurnId } from '../../core/ids.ts';
import { entryKey, sessionKey, sessionOf } from '../../core/store/keys.ts';
import { summarize } from '../stats.ts';
import type { Script } from '../virtual/agent.ts';
import { collectGarbage } from './environment.ts';
import { ANN, SESSION, saying, Talk } from './turns.ts';

/** What a turn costs, as something grows. */
export interface Growth {
  name: string;
  /** What grows. */
  unit: string;
  /** `old`: what was there before the turn. */
  kind: 'new' | 'old';
  points: GrowthPoint[];
}

export interface GrowthPoint {
  n: number;
  /** Of functions to services. */
  calls: number;
  /** Carried there and back, as JSON. */
  bytes: number;
  /** The median of a few turns. */
  cpuMs: number;
}

const TIMES = 5;
const WARM_UP = 20;
/** So that the longest answer ends within one invocation, as 100 tokens do. */
export const FAST_MS = 2;
const ENTRY =
  'An entry of the length that a paragraph has in a conversation, about two hundred characters: '.padEnd(
    200,
    'x',
  );

/** A turn to be measured. */
interface Case {
  /** Entries in the transcript before the turn. */
  entries?: number;
  script: readonly Script[];
  steerings?: number;
}

export async function measureGrowth(): Promise<Growth[]> {
  const growths: Growth[] = [];
  for (const { name, unit, kind, at, of } of GROWTHS) {
    const points: GrowthPoint[] = [];
    for (const n of at) points.push(await measure(n, of(n)));
    growths.push({ name, unit, kind, points });
  }
  return growths;
}

const GROWTHS: readonly (Omit<Growth, 'points'> & { at: readonly number[]; of(n: number): Case })[] = [
  {
    name: 'transcript',
    unit: 'entries before the turn',
    kind: 'old',
    at: [10, 30, 100, 300, 1000, 3000, 10_000],
    of: (n) => ({ entries: n, script: saying(100, FAST_MS) }),
  },
  {
    name: 'answer',
    unit: 'tokens of the answer',
    kind: 'new',
    at: [100, 300, 1000, 3000, 10_000, 30_000, 100_000],
    of: (n) => ({ script: saying(n, FAST_MS) }),
  },
  {
    name: 'inbox',
    unit: 'steering messages at one boundary',
    kind: 'new',
    at: [0, 1, 2, 4, 8, 16, 32, 63],
    of: (n) => ({ script: saying(100, 10), steerings: n }),
  },
];

async function measure(n: number, what: Case): Promise<GrowthPoint> {
  const times: number[] = [];
  for (let i = 0; i < TIMES; i++) times.push(await oneTurn(new Talk(), what));
  // Counted apart from the time: to count takes time as well.
  return { n, ...(await countTurn(what)), cpuMs: summarize(times).p50 };
}

export async function countTurn(what: Case): Promise<Pick<GrowthPoint, 'calls' | 'bytes'>> {
  const counted = { calls: 0, bytes: 0 };
  const talk = new Talk(({ bytes }) => {
    counted.calls++;
    counted.bytes += bytes;
  });
  await oneTurn(talk, what, () => Object.assign(counted, { calls: 0, bytes: 0 }));
  return counted;
}

/** Gives its processor time, in ms. `begins` is called when all is prepared. */
async function oneTurn(
  talk: Talk,
  { entries = 0, script, steerings = 0 }: Case,
  begins = () => {},
): Promise<number> {
  const { time } = talk.cloud;
  const client = await time.run(async () => {
    const connected = await talk.connect();
    await talk.cloud.settled();
    return connected;
  });
  remember(talk, entries);
  // What was prepared is not left to the turn to clear up; and a collection throws code away as well.
  collectGarbage();
  await warmUp();
  begins();
  return time.run(() => talk.cpuOf(() => talk.turn(client, script, steerings)));
}

function warmUp(): Promise<void> {
  const talk = new Talk();
  return talk.cloud.time.run(async () => {
    const client = await talk.connect();
    for (let n = 0; n < WARM_UP; n++) await talk.turn(client, saying(100, FAST_MS), 1);
  });
}

/** A transcript of so many entries: a question and an answer in each turn. */
function remember({ cloud: { table } }: Talk, entries: number): void {
  const session = sessionOf(ANN, asSessionId(SESSION));
  for (let n = 1; n <= entries; n++) {
    const turn = asTurnId(`earlier${Math.ceil(n / 2)}`);
    const expires = epochSeconds(2_000_000_000);
    table.put(
      entryKey(session, n),
      n % 2 === 1
        ? {
            n,
            turn,
            role: 'user',
            id: asMessageId(`e${n}`),
            content: ENTRY,
            at: epochMs(n),
            step: 1,
            expires,
          }
        : { n, turn, role: 'assistant', content: ENTRY, expires },
    );
  }
  table.update(sessionKey(session), { when: [], change: [{ do: 'set', path: 'entry', value: entries }] });
}
