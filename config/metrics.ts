/**
 * The metrics that functions emit (CloudWatch embedded metric format). Dashboard and alarms are made from the same table, so
 * that they cannot name a metric that no function emits. docs/operations.md has each description, which a test compares.
 */
export const METRICS_NAMESPACE = 'Midturn';

export interface MetricSpec {
  unit: 'Count' | 'Milliseconds';
  description: string;
  /** The metric is emitted by the values of this field, and as their total. */
  dimension?: string;
}

export const METRICS = {
  Turns: { unit: 'Count', description: 'Turns that ended.', dimension: 'outcome' },
  Steps: { unit: 'Count', description: 'Model calls that were completed.' },
  TurnTime: { unit: 'Milliseconds', description: 'From a turn’s beginning to its end.' },
  QueueWait: {
    unit: 'Milliseconds',
    description: 'From a turn’s first message to the beginning of the turn.',
  },
  FirstChunk: {
    unit: 'Milliseconds',
    description: 'From a turn’s beginning to its first committed chunk.',
  },
  SteeringAccepted: { unit: 'Count', description: 'Messages accepted while a turn was in flight.' },
  SteeringTakenIn: { unit: 'Count', description: 'Messages applied to a turn that had already begun.' },
  Refused: {
    unit: 'Count',
    description: 'Errors that answered frames and connection attempts.',
    dimension: 'code',
  },
  TakeOvers: {
    unit: 'Count',
    description: 'Turns that another worker continued, after theirs died or fell behind.',
  },
  HandOvers: {
    unit: 'Count',
    description: 'Turns that were handed over to the next invocation before the time limit.',
  },
  Fenced: { unit: 'Count', description: 'Workers that lost their lease to another worker.' },
  PostsGone: { unit: 'Count', description: 'Posts to connections that were gone.' },
  PostsThrottled: { unit: 'Count', description: 'Posts that API Gateway throttled and that were repeated.' },
  ModelFailures: { unit: 'Count', description: 'Model calls that failed.', dimension: 'code' },
  Approvals: {
    unit: 'Count',
    description: 'Requests for approval that were resolved: `approve`, `always`, `deny` or `timeout`.',
    dimension: 'decision',
  },
  SetDowns: { unit: 'Count', description: 'Turns that were suspended while they wait for a person.' },
  CacheHits: { unit: 'Count', description: 'Model calls that the response cache answered.' },
  Fallbacks: { unit: 'Count', description: 'Turns that the fallback model continued.' },
  McpFailures: {
    unit: 'Count',
    description: 'Failed connections to an MCP server, and connections that it ended.',
    dimension: 'server',
  },
  InputTokens: { unit: 'Count', description: 'Tokens that models read.' },
  OutputTokens: { unit: 'Count', description: 'Tokens that models wrote.' },
  DeadLetters: {
    unit: 'Count',
    description: 'Queue messages that were moved to the dead letters, because they cannot be processed.',
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
