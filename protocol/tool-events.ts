import * as z from 'zod/mini';
import { DECISIONS } from './client-frames.ts';
import { count, event } from './event-definition.ts';

/** The events of tools: calls, results, what is shown while they run, and the approval of calls. */

/** A tool's output is always text on the wire: clients of the gateway that this protocol extends show it as it is. */
export const toolOutput = {
  output: z.string(),
  json: z.optional(z.literal(true)),
  is_error: z.optional(z.boolean()),
  truncated: z.optional(z.boolean()),
  output_length: z.optional(count),
};

/** What a tool shows before its result, as its output is shown. */
const { is_error: _, ...shownOutput } = toolOutput;

export const toolCall = event('tool_call', {
  id: z.string(),
  name: z.string(),
  args: z.json(),
  truncated: z.optional(z.boolean()),
  provider_executed: z.optional(z.boolean()),
});

export const toolResult = event('tool_result', {
  id: z.string(),
  name: z.string(),
  ...toolOutput,
  provider_executed: z.optional(z.boolean()),
});

export const approvalRequest = event('approval_request', {
  request_id: z.string(),
  tool_call_id: z.string(),
  tool: z.string(),
  arguments_summary: z.string(),
  timeout_secs: z.number(),
  at: z.optional(z.number()),
  arguments: z.optional(z.json()),
  always: z.optional(z.boolean()),
});

export const approvalResolved = event('approval_resolved', {
  request_id: z.string(),
  decision: z.enum(DECISIONS),
  reason: z.enum(['answer', 'always', 'timeout', 'aborted']),
  by: z.optional(z.string()),
});

export const toolOutputRequest = event('tool_output_request', {
  request_id: z.string(),
  tool_call_id: z.string(),
  tool: z.string(),
  arguments: z.json(),
  lane: z.string(),
  timeout_secs: z.number(),
  at: z.optional(z.number()),
});

export const toolProgress = event('tool_progress', {
  id: z.string(),
  name: z.string(),
  ...shownOutput,
  restarted: z.optional(z.literal(true)),
});

export const data = event('data', {
  name: z.string(),
  id: z.string(),
  data: z.json(),
  tool_call_id: z.optional(z.string()),
});
