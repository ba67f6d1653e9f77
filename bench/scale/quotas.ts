import { API_SETTINGS } from '../../config/settings/stack.ts';

/** What an account, and this stack, lets through. Rates are per second. */
export interface Quotas {
  /** API Gateway, of the account: frames, handshakes and posts. */
  requests: Rate;
  /** API Gateway, of the account: new connections. */
  connections: Rate;
  /** Of the stage: frames of clients. */
  frames: Rate;
  /** Of the route `$connect`. */
  handshakes: Rate;
  /** Lambda: invocations of the account that run at once. */
  environments: number;
  /** Lambda: environments that one function can start in ten seconds. */
  startsPerTenSeconds: number;
  /** Of the event source of the turn queue: invocations at once. */
  turns: { first: number; morePerMinute: number; most: number };
  /** DynamoDB: write units a second that the table takes when it begins, and at most. */
  writes: { warm: number; most: number };
}

export interface Rate {
  rate: number;
  burst: number;
}

/** A published figure, and the page that says so. */
interface Published {
  name: string;
  value: string;
  source: string;
}

const DOCS = 'docs.aws.amazon.com';

/** One partition of a table serves so many units a second, of reads three times as many. */
export const PARTITION_WRITES = 1000;
export const READS_PER_WRITE = 3;
/** A table takes at once what it took before, and twice as much if half an hour lies between. */
export const DOUBLES_AFTER_MS = 30 * 60_000;

export const PUBLISHED: readonly Published[] = [
  {
    name: 'API Gateway, requests: frames, handshakes, posts',
    value: '10,000/s, burst 5,000',
    source: `${DOCS}/apigateway/latest/developerguide/limits.html: "across HTTP APIs, REST APIs, WebSocket APIs, and WebSocket callback APIs". 2,500 and 1,250 in newer regions`,
  },
  {
    name: 'API Gateway, new connections',
    value: '500/s',
    source: `${DOCS}/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html. Its burst is not published; here a second of it`,
  },
  {
    name: 'this stack, frames and handshakes',
    value: '1,000/s and 250/s',
    source: 'MIDTURN_THROTTLE_RATE, MIDTURN_THROTTLE_CONNECT_RATE and their bursts (settings.md)',
  },
  {
    name: 'Lambda, invocations at once, of the account',
    value: '1,000',
    source: `${DOCS}/lambda/latest/dg/gettingstarted-limits.html. New accounts have fewer`,
  },
  {
    name: 'Lambda, environments that a function starts',
    value: '1,000 in 10 s',
    source: `${DOCS}/lambda/latest/dg/scaling-behavior.html: refilled continuously, not saved up`,
  },
  {
    name: 'event source of the turn queue, invocations at once',
    value: '5 at first, 300 more a minute, at most `turnMaxConcurrency`',
    source: `${DOCS}/lambda/latest/dg/services-sqs-scaling.html, which says so of standard queues; repost.aws/knowledge-center/lambda-sqs-scaling says 300 of FIFO queues too, up to the number of message groups`,
  },
  {
    name: 'the same with provisioned pollers',
    value: '10 a poller, 1,000 more a minute',
    source: `${DOCS}/lambda/latest/dg/services-sqs-scaling.html, "Provisioned mode"`,
  },
  {
    name: 'FIFO queue, messages of one group',
    value: 'one after the other',
    source: `${DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html`,
  },
  {
    name: 'DynamoDB, a new on-demand table',
    value: '4,000 write and 12,000 read units/s',
    source: `${DOCS}/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html`,
  },
  {
    name: 'DynamoDB, growth of an on-demand table',
    value: 'twice the earlier peak in 30 minutes',
    source: `${DOCS}/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html. DynamoDB may be quicker; here it is not`,
  },
  {
    name: 'DynamoDB, one partition',
    value: '1,000 write and 3,000 read units/s',
    source: `${DOCS}/amazondynamodb/latest/developerguide/bp-partition-key-design.html`,
  },
  {
    name: 'DynamoDB, one table',
    value: '40,000 write units/s',
    source: `${DOCS}/amazondynamodb/latest/developerguide/ServiceQuotas.html`,
  },
];

const { throttle } = API_SETTINGS;

/** A new stack in an account with AWS's default quotas. */
export const DEFAULT: Quotas = {
  requests: { rate: 10_000, burst: 5000 },
  connections: { rate: 500, burst: 500 },
  frames: { rate: throttle.rate.default, burst: throttle.burst.default },
  handshakes: { rate: throttle.connectRate.default, burst: throttle.connectBurst.default },
  environments: 1000,
  startsPerTenSeconds: 1000,
  // `TURN_CONCURRENCY` of infra/functions.ts.
  turns: { first: 5, morePerMinute: 300, most: 200 },
  writes: { warm: 4000, most: 40_000 },
};

/** What docs/scale.md says to ask AWS for, and to set, for the hour and the minute that it shows. */
export const RAISED: Quotas = {
  requests: { rate: 40_000, burst: 20_000 },
  connections: { rate: 1000, burst: 1000 },
  frames: { rate: 4000, burst: 5000 },
  handshakes: { rate: 1000, burst: 1000 },
  environments: 6000,
  startsPerTenSeconds: 1000,
  // 200 pollers always, up to 500.
  turns: { first: 2000, morePerMinute: 1000, most: 5000 },
  writes: { warm: 40_000, most: 60_000 },
};

/** What settings alone can do in an account with AWS's default quotas. */
export const SET: Quotas = {
  ...DEFAULT,
  frames: { rate: 4000, burst: 5000 },
  handshakes: { rate: 500, burst: 500 },
  // `MIDTURN_TURN_MAX_CONCURRENCY=800`: the rest of the account's environments is for frames.
  turns: { first: 5, morePerMinute: 300, most: 800 },
};

/** More than anybody asks for. */
const ENOUGH = 1e9;
const NONE = { rate: ENOUGH, burst: ENOUGH };

/** Shows what a load asks for where nothing holds it back. */
export const UNLIMITED: Quotas = {
  requests: NONE,
  connections: NONE,
  frames: NONE,
  handshakes: NONE,
  environments: ENOUGH,
  startsPerTenSeconds: ENOUGH,
  turns: { first: ENOUGH, morePerMinute: ENOUGH, most: ENOUGH },
  writes: { warm: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY },
};
