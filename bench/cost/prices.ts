/** Everything that AWS bills a turn for. */
export type BilledUnit =
  | 'webSocketMessages'
  | 'connectionMinutes'
  | 'transferBytes'
  | 'lambdaRequests'
  | 'lambdaGbSeconds'
  | 'writeUnits'
  | 'readUnits'
  | 'fifoRequests'
  | 'standardRequests'
  | 'logBytes'
  | 'traces';

export interface Price {
  /** US dollars for `per` units. */
  usd: number;
  per: number;
  /** What is counted, and the page that says so. */
  source: string;
  /** Whether it was compared with another list of the same date. The others are small parts of a bill: look them up first. */
  checked: boolean;
}

const MILLION = 1e6;
/** CloudWatch and data transfer count in binary gigabytes. */
const GIB = 2 ** 30;

/**
 * List prices of AWS in us-east-1, first tier, without free tiers and discounts, for November 2026 as far as `checked`.
 * Another region or date: change these lines, and run `npm run bench:cost` again.
 */
export const PRICE_LIST = { region: 'us-east-1', date: '2026-11' } as const;

export const PRICES: Readonly<Record<BilledUnit, Price>> = {
  webSocketMessages: {
    usd: 1,
    per: MILLION,
    source: 'API Gateway pricing, WebSocket APIs: messages, in 32 KB',
    checked: true,
  },
  connectionMinutes: {
    usd: 0.25,
    per: MILLION,
    source: 'API Gateway pricing, WebSocket APIs',
    checked: true,
  },
  transferBytes: {
    usd: 0.09,
    per: GIB,
    source: 'EC2 on-demand pricing, data transfer out to the internet',
    checked: false,
  },
  lambdaRequests: { usd: 0.2, per: MILLION, source: 'Lambda pricing', checked: true },
  lambdaGbSeconds: {
    usd: 13.33,
    per: MILLION,
    source: 'Lambda pricing, arm64, by the millisecond',
    checked: true,
  },
  writeUnits: {
    usd: 0.625,
    per: MILLION,
    source: 'DynamoDB pricing, on-demand, standard table',
    checked: true,
  },
  readUnits: {
    usd: 0.125,
    per: MILLION,
    source: 'DynamoDB pricing, on-demand, standard table',
    checked: true,
  },
  fifoRequests: { usd: 0.5, per: MILLION, source: 'SQS pricing, FIFO queues, in 64 KB', checked: true },
  standardRequests: {
    usd: 0.4,
    per: MILLION,
    source: 'SQS pricing, standard queues, in 64 KB',
    checked: false,
  },
  logBytes: { usd: 0.5, per: GIB, source: 'CloudWatch pricing, standard logs: ingestion', checked: false },
  traces: { usd: 5, per: MILLION, source: 'X-Ray pricing: traces recorded', checked: false },
};

/** By the month, whatever happens. */
export const MONTHLY = {
  alarmMetric: {
    usd: 0.1,
    per: 1,
    source: 'CloudWatch pricing: a standard alarm, for each metric it reads',
    checked: false,
  },
  customMetric: {
    usd: 0.3,
    per: 1,
    source: 'CloudWatch pricing: a custom metric, in hours with data',
    checked: false,
  },
  dashboard: { usd: 3, per: 1, source: 'CloudWatch pricing: a dashboard', checked: false },
  secret: { usd: 0.4, per: 1, source: 'Secrets Manager pricing', checked: false },
  key: { usd: 1, per: 1, source: 'KMS pricing: a key of your own', checked: false },
} as const satisfies Record<string, Price>;

export const costOf = ({ usd, per }: Price, quantity: number): number => (usd * quantity) / per;

/** API Gateway bills a message by pieces of this size, in either direction. */
export const MESSAGE_BYTES = 32 * 1024;
/** SQS bills a request by pieces of this size. */
export const QUEUE_REQUEST_BYTES = 64 * 1024;

/** CloudWatch adds this to each line. Source: CloudWatch pricing, "26 bytes of overhead per log event". */
export const LOG_EVENT_BYTES = 26;
/** What Lambda itself writes of an invocation: START, END and REPORT with its overhead. An estimate. */
export const INVOCATION_LOG_BYTES = 300;
/** A line of the API's access log (infra/api.ts) with its overhead. An estimate by its fields. */
export const ACCESS_LOG_BYTES = 360;
/**
 * X-Ray records the first request of each second and this share of the others. At less than one request a second all
 * traces are recorded: twenty times as many. Source: X-Ray developer guide, default sampling rule.
 */
export const SAMPLED_TRACES = 0.05;

/**
 * How many long polls Lambda holds open on a queue without messages, and for how long each. Source: Lambda developer guide,
 * "Using Lambda with Amazon SQS" (long polls of 20 s), and AWS re:Post on empty receives (five of them).
 */
export const IDLE_POLLS = { connections: 5, seconds: 20 } as const;
/** As AWS's own examples count. */
export const HOURS_A_MONTH = 730;

/** Published median latencies, ms, which the local cloud does not have: DynamoDB's is of PutItem; others are estimates. */
export const LATENCY_MS = { dynamodb: 7.6, 'execute-api': 7.5, sqs: 10 } as const satisfies Record<
  string,
  number
>;
