import type { Random } from '../../test/simulation/random.ts';

/** How long something takes, in milliseconds, by quantile. */
export interface Delay {
  quantiles: Readonly<Record<number, number>>;
  source: string;
  /** Nobody published it: an estimate by what is alike. */
  estimated?: true;
}

const WRITES = 'Alex DeBrie, "DynamoDB Transactions Performance Testing": PutItem, from a function';

/**
 * What AWS takes, in the region, with warm functions and open connections. The network between client and region, cold
 * starts and our own processor time are not in it. To compare with other figures, change them here and run again.
 */
export const DELAYS = {
  /** From the client's frame at API Gateway to the handler. */
  frame: {
    quantiles: { 50: 10, 99: 40 },
    source: 'API Gateway and the invocation of a warm function',
    estimated: true,
  },
  write: { quantiles: { 50: 7.6, 99: 16 }, source: WRITES },
  /** Consistent reads, of one item or of a page. */
  read: { quantiles: { 50: 7.6, 99: 16 }, source: `taken as slow as a write (${WRITES})`, estimated: true },
  send: { quantiles: { 50: 10, 99: 40 }, source: 'SQS SendMessage', estimated: true },
  /** From before `SendMessage` to the handler: measured so there. */
  fifo: {
    quantiles: { 10: 21.9, 50: 28.1, 90: 61.2, 99: 645 },
    source: 'Bite-Sized Serverless, "Serverless Messaging: Latency Compared": SQS FIFO, event source mapping',
  },
  /** As `fifo`. Nothing is sent by it: it shows what a second way to the turn function would bring. */
  standard: {
    quantiles: { 10: 13.7, 50: 16.2, 90: 33.8, 99: 105 },
    source: 'the same: SQS standard, event source mapping. Not used',
  },
  post: {
    quantiles: { 50: 7.5, 99: 25 },
    source: 'PostToConnection, 5 to 10 ms; the client has the frame when the call ends',
    estimated: true,
  },
  /** Of an execution environment, until it loads the function's code. */
  environment: {
    quantiles: { 10: 100, 50: 125, 90: 150, 99: 360 },
    source:
      '"Hello world" functions of Node.js, "Lazy Init Only Scatters Latency", decodednode.com (2026): 100 to 150 ms. Its p99 over its p50 as in Eric Johnson, "Cold Starts Are Dead" (2026)',
  },
  /** With two processors, as Lambda gives an environment while it starts. */
  firstRequest: {
    quantiles: { 50: 125, 99: 360 },
    source:
      'the first HTTPS request to DynamoDB while the environment starts: Samuel Johnson, "The Fastest Node 22 Lambda Coldstart Configuration" (2025). Its p99 as above',
  },
} as const satisfies Record<string, Delay>;

export type DelayName = keyof typeof DELAYS;

export const medianOf = (name: DelayName): number => DELAYS[name].quantiles[50];

/** The standard normal's quantiles at which the published ones are placed. */
const Z: Readonly<Record<number, number>> = { 10: -1.2816, 50: 0, 90: 1.2816, 99: 2.3263 };

/**
 * A sample: the logarithm goes in straight lines from one published quantile to the next, over the normal's; below the
 * median as the line above it where nothing is known, and never beyond the 99.9th percentile's place.
 */
export function sample(name: DelayName, random: Random): number {
  const { quantiles }: Delay = DELAYS[name];
  const points = Object.entries(quantiles)
    .map(([percent, ms]) => ({ z: Z[Number(percent)] ?? Number.NaN, log: Math.log(ms) }))
    .sort((a, b) => a.z - b.z);
  const z = Math.min(3.09, Math.max(-3.09, normal(random)));
  const found = points.findIndex((point) => point.z >= z);
  const above = found < 0 ? points.length - 1 : Math.max(1, found);
  const [from, to] = [points[above - 1], points[above]];
  if (!from || !to) throw new Error(`${name} has fewer than two quantiles.`);
  return Math.exp(from.log + ((to.log - from.log) * (z - from.z)) / (to.z - from.z));
}

/** Box and Muller's. */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}
