import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Summary } from '../stats.ts';
import { summarize } from '../stats.ts';
import { REFERENCE_SCRIPT, saying, Talk } from './turns.ts';

/** What one execution environment costs with every turn that it runs. */

const WARM_UP = 50;
const TURNS_PER_SESSION = 10;

/** Processor time of a reference turn, in ms, on a warm process. */
export async function measureCpu(turns: number): Promise<Summary> {
  const times: number[] = [];
  for (let done = 0; done < WARM_UP + turns; done += TURNS_PER_SESSION) {
    const talk = new Talk();
    await talk.cloud.time.run(async () => {
      const client = await talk.connect();
      for (let n = 0; n < TURNS_PER_SESSION; n++) {
        const ms = await talk.cpuOf(() => talk.turn(client, REFERENCE_SCRIPT, 1));
        if (done >= WARM_UP) times.push(ms);
      }
    });
  }
  return summarize(times);
}

/** What a reference turn, steered once, asks of services. */
export interface TurnCalls {
  dynamodb: number;
  posts: number;
}

export async function countCalls(): Promise<TurnCalls> {
  const counted = { dynamodb: 0, posts: 0 };
  const talk = new Talk(({ service }) => {
    if (service === 'dynamodb') counted.dynamodb++;
    else if (service === 'execute-api') counted.posts++;
  });
  await talk.cloud.time.run(async () => {
    const client = await talk.connect();
    await talk.cloud.settled();
    Object.assign(counted, { dynamodb: 0, posts: 0 });
    await talk.turn(client, REFERENCE_SCRIPT, 1);
  });
  return counted;
}

export interface MemoryPoint {
  turns: number;
  /** After a collection, in bytes. */
  heap: number;
}

/** Heap after so many short steered turns in one process, sessions coming and going. */
export async function measureMemory(turns: number, looks: number): Promise<MemoryPoint[]> {
  const points: MemoryPoint[] = [];
  for (let done = 0; done < turns; ) {
    const talk = new Talk();
    await talk.cloud.time.run(async () => {
      const client = await talk.connect();
      for (let n = 0; n < TURNS_PER_SESSION; n++) await talk.turn(client, saying(20), 1);
    });
    done += TURNS_PER_SESSION;
    if (done % (turns / looks) === 0) points.push({ turns: done, heap: heapAfterCollection() });
  }
  return points;
}

function heapAfterCollection(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Twice: what a first collection frees can hold more. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
}

/** Bytes that a turn leaves behind: the slope of the line through the points from the first look on. */
export function bytesPerTurn(points: readonly MemoryPoint[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(({ turns }) => turns));
  const y = mean(points.map(({ heap }) => heap));
  const over = points.reduce((sum, { turns, heap }) => sum + (turns - x) * (heap - y), 0);
  const under = points.reduce((sum, { turns }) => sum + (turns - x) ** 2, 0);
  return over / under;
}
