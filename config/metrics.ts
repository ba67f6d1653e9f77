/**
 * The metrics that functions emit (CloudWatch embedded metric format). Dashboard and alarms are made from the same table, so
 * that they cannot name a metric that no function emits. docs/operations.md describes each metric.
 */
export const METRICS_NAMESPACE = 'Midturn';

export interface MetricSpec {
  /** `None`: an amount of money. */
  unit: 'Count' | 'Milliseconds' | 'None';
  /** The metric is emitted by the values of this field, and as their total. */
  dimension?: string;
}

export const METRICS = {
  Turns: { unit: 'Count', dimension: 'outcome' },
  AgentTurns: { unit: 'Count', dimension: 'agent' },
  Steps: { unit: 'Count' },
  TurnTime: { unit: 'Milliseconds' },
  QueueWait: { unit: 'Milliseconds' },
  FirstChunk: { unit: 'Milliseconds' },
  MessagesAccepted: { unit: 'Count' },
  MessagesAnswered: { unit: 'Count' },
  MessagesWithdrawn: { unit: 'Count', dimension: 'code' },
  SteeringAccepted: { unit: 'Count' },
  SteeringTakenIn: { unit: 'Count' },
  Refused: { unit: 'Count', dimension: 'code' },
  TakeOvers: { unit: 'Count' },
  HandOvers: { unit: 'Count' },
  Fenced: { unit: 'Count' },
  PostsGone: { unit: 'Count' },
  PostsThrottled: { unit: 'Count' },
  ModelFailures: { unit: 'Count', dimension: 'code' },
  Approvals: { unit: 'Count', dimension: 'decision' },
  ClientCalls: { unit: 'Count', dimension: 'outcome' },
  SetDowns: { unit: 'Count' },
  CacheHits: { unit: 'Count' },
  Fallbacks: { unit: 'Count' },
  PromptsReshaped: { unit: 'Count', dimension: 'form' },
  McpFailures: { unit: 'Count', dimension: 'server' },
  InputTokens: { unit: 'Count', dimension: 'model' },
  OutputTokens: { unit: 'Count', dimension: 'model' },
  CacheReadTokens: { unit: 'Count', dimension: 'model' },
  CacheWriteTokens: { unit: 'Count', dimension: 'model' },
  ReasoningTokens: { unit: 'Count', dimension: 'model' },
  Cost: { unit: 'None', dimension: 'model' },
  BudgetRefusals: { unit: 'Count', dimension: 'budget' },
  HookRefusals: { unit: 'Count', dimension: 'hook' },
  HookFailures: { unit: 'Count', dimension: 'hook' },
  Titles: { unit: 'Count', dimension: 'outcome' },
  Compactions: { unit: 'Count', dimension: 'outcome' },
  CompactionInputTokens: { unit: 'Count', dimension: 'model' },
  CompactionOutputTokens: { unit: 'Count', dimension: 'model' },
  CompactionCost: { unit: 'None', dimension: 'model' },
  DeadLetters: { unit: 'Count' },
  CaughtErrors: { unit: 'Count', dimension: 'function' },
  BusEventsLost: { unit: 'Count' },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof METRICS;

/** For docs/operations.md. Apart from the table, so that the functions' bundles do not contain them. */
export const METRIC_DESCRIPTIONS: Readonly<Record<MetricName, string>> = {
  Turns: 'Turns that ended.',
  AgentTurns:
    'Turns that ended, by the agent of their session. Only with several agents, and without those that a deletion ended.',
  Steps: 'Model calls that were completed.',
  TurnTime: 'From a turn’s beginning to its end.',
  QueueWait: 'From a turn’s first message to the beginning of the turn.',
  FirstChunk: 'From a turn’s beginning to its first committed chunk.',
  MessagesAccepted: 'Messages that were put into an inbox. Each is answered or withdrawn later.',
  MessagesAnswered:
    'Messages whose turn ended, whatever its end. Not those of a session that was deleted meanwhile.',
  MessagesWithdrawn:
    'Messages that no turn applied: cancelled, refused after all, or their session was deleted.',
  SteeringAccepted: 'Messages accepted while a turn was in flight.',
  SteeringTakenIn: 'Messages applied to a turn that had already begun.',
  Refused: 'Errors that answered frames and connection attempts.',
  TakeOvers: 'Turns that another worker continued, after theirs died or fell behind.',
  HandOvers: 'Turns that were handed over to the next invocation before the time limit.',
  Fenced: 'Workers that lost their lease to another worker.',
  PostsGone: 'Posts to connections that were gone.',
  PostsThrottled: 'Posts that API Gateway throttled and that were repeated.',
  ModelFailures: 'Model calls that failed.',
  ClientCalls:
    'Calls of tools that a client runs, and questions of tools to the user: `answered` or `timeout`.',
  Approvals: 'Requests for approval that were resolved: `approve`, `always`, `deny` or `timeout`.',
  SetDowns: 'Turns that were suspended while they wait for a person.',
  CacheHits: 'Model calls that the response cache answered.',
  Fallbacks: 'Turns that the fallback model continued.',
  PromptsReshaped: 'Prompts that a provider refused and that were sent again in another form.',
  McpFailures: 'Failed connections to an MCP server, and connections that it ended.',
  InputTokens: 'Tokens that models read.',
  OutputTokens: 'Tokens that models wrote.',
  CacheReadTokens: 'Of the tokens that models read: those from the provider’s cache.',
  CacheWriteTokens: 'Of the tokens that models read: those that the provider wrote to its cache.',
  ReasoningTokens: 'Of the tokens that models wrote: what they thought.',
  Cost: 'What model calls cost, in the currency of the agent’s `prices`.',
  BudgetRefusals:
    'Turns that a spent budget kept from beginning, or ended: `principal turns`, `tenant cost` and so on.',
  HookRefusals: 'Messages, calls and outputs that a hook of the agent refused: `beforeTurn` and so on.',
  HookFailures: 'Hooks of the agent that threw, or took longer than their limit.',
  Titles: 'Attempts to write the title of a session: `written` or `failed`.',
  Compactions: 'Attempts to summarise what a cut left out of prompts: `written` or `failed`.',
  CompactionInputTokens: 'Tokens that models read for summaries. `InputTokens` does not count them.',
  CompactionOutputTokens: 'Tokens that models wrote for summaries.',
  CompactionCost: 'What summaries cost, in the currency of the agent’s `prices`.',
  DeadLetters: 'Queue messages that were moved to the dead letters, because they cannot be processed.',
  BusEventsLost: 'Events that the event bus did not take. Only with `MIDTURN_EVENT_BUS`.',
  CaughtErrors: 'Errors that a function caught and logged, with level ERROR, instead of dying.',
};

type Named<Spec> = {
  [Name in MetricName]: (typeof METRICS)[Name] extends Spec ? Name : never;
}[MetricName];

/** Counted by the values of their dimension. */
export type SplitMetric = Named<{ unit: 'Count' | 'None'; dimension: string }>;
export type CountMetric = Exclude<Named<{ unit: 'Count' }>, SplitMetric>;
export type TimeMetric = Named<{ unit: 'Milliseconds' }>;
