/**
 * The metrics that the functions emit (CloudWatch embedded metric format) and that the dashboard and the alarms read. One
 * list, so that neither can name one that the other does not know.
 */
export const METRICS_NAMESPACE = 'Midturn';

/** `dimension`: values of one field that the metric is split by, beside its total over all of them. */
export interface MetricSpec {
  unit: 'Count' | 'Milliseconds';
  description: string;
  dimension?: string;
}

export const METRICS = {
  Turns: { unit: 'Count', description: 'Turns that ended.', dimension: 'outcome' },
  Steps: { unit: 'Count', description: 'Model calls that were completed.' },
  TurnTime: { unit: 'Milliseconds', description: 'From a turn’s beginning to its end.' },
  QueueWait: { unit: 'Milliseconds', description: 'From a turn’s first message to the turn’s beginning.' },
  FirstChunk: {
    unit: 'Milliseconds',
    description: 'From a turn’s beginning to its first committed chunk.',
  },
  SteeringAccepted: { unit: 'Count', description: 'Messages accepted while a turn was in flight.' },
  SteeringTakenIn: { unit: 'Count', description: 'Messages taken into a turn that had begun already.' },
  Refused: {
    unit: 'Count',
    description: 'Errors that answered frames and connection attempts.',
    dimension: 'code',
  },
  TakeOvers: { unit: 'Count', description: 'Turns gone on with after their worker died or fell behind.' },
  HandOvers: { unit: 'Count', description: 'Turns handed to a fresh invocation before the time limit.' },
  Fenced: { unit: 'Count', description: 'Workers that found another one in their place.' },
  PostsGone: { unit: 'Count', description: 'Posts to connections that were gone.' },
  PostsThrottled: { unit: 'Count', description: 'Posts that API Gateway throttled and that were repeated.' },
  ModelFailures: { unit: 'Count', description: 'Model calls that failed.', dimension: 'code' },
  Approvals: {
    unit: 'Count',
    description: 'Requests for approval that were resolved: `approve`, `always`, `deny` or `timeout`.',
    dimension: 'decision',
  },
  SetDowns: { unit: 'Count', description: 'Turns set down while they wait for a person.' },
  CacheHits: { unit: 'Count', description: 'Model calls that the response cache answered.' },
  Fallbacks: { unit: 'Count', description: 'Turns that went on with the second model.' },
  McpFailures: {
    unit: 'Count',
    description: 'Times that an MCP server could not be reached, or broke off.',
    dimension: 'server',
  },
  InputTokens: { unit: 'Count', description: 'Tokens that models read.' },
  OutputTokens: { unit: 'Count', description: 'Tokens that models wrote.' },
  DeadLetters: {
    unit: 'Count',
    description: 'Messages that were put aside, since they cannot be processed.',
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof METRICS;

type Named<Spec> = {
  [Name in MetricName]: (typeof METRICS)[Name] extends Spec ? Name : never;
}[MetricName];

/** Counted by the values of their dimension. */
export type SplitMetric = Named<{ unit: 'Count'; dimension: string }>;
export type CountMetric = Exclude<Named<{ unit: 'Count' }>, SplitMetric>;
export type TimeMetric = Named<{ unit: 'Milliseconds' }>;
