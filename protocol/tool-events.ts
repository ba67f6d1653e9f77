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

const PROVIDER_EXECUTED = 'True when the model’s provider runs the tool, for example its web search.';

/** What a tool shows before its result, as its output is shown. */
const { is_error: _, ...shownOutput } = toolOutput;

const TOOL_OUTPUT_SENTENCES = {
  output: 'The output of the tool, as text. A cut output ends with a sentence that says how much is missing.',
  json: 'True when the tool returned something other than text: `output` is its JSON. Never with `truncated`.',
  is_error: 'True when the tool failed or did not finish.',
  truncated: 'True when the output was cut to fit into a frame.',
  output_length: 'With `truncated`: the length of the whole output, in UTF-16 code units.',
} as const;

export const toolCall = event('tool_call', {
  summary: 'The agent calls a tool.',
  fields: {
    id: z.string(),
    name: z.string(),
    args: z.json(),
    truncated: z.optional(z.boolean()),
    provider_executed: z.optional(z.boolean()),
  },
  sentences: {
    id: 'The id of the call, unique within the turn.',
    name: 'The name of the tool.',
    args: 'The arguments; null when `truncated`.',
    truncated: 'True when the arguments do not fit into a frame.',
    provider_executed: PROVIDER_EXECUTED,
  },
});

export const toolResult = event('tool_result', {
  summary:
    'The result of a tool call. Each call has exactly one result, also when the turn is aborted or fails.',
  fields: { id: z.string(), name: z.string(), ...toolOutput, provider_executed: z.optional(z.boolean()) },
  sentences: {
    id: 'The `id` of the call.',
    name: 'The name of the tool.',
    ...TOOL_OUTPUT_SENTENCES,
    provider_executed: PROVIDER_EXECUTED,
  },
});

export const approvalRequest = event('approval_request', {
  summary:
    'A tool call waits for a person’s decision. Any connection of the session answers with `approval_response`; the first answer counts.',
  fields: {
    request_id: z.string(),
    tool_call_id: z.string(),
    tool: z.string(),
    arguments_summary: z.string(),
    timeout_secs: z.number(),
    arguments: z.optional(z.json()),
    always: z.optional(z.boolean()),
  },
  sentences: {
    request_id: 'The id of the request. The answer names it.',
    tool_call_id: 'The `id` of the call that waits.',
    tool: 'The name of the tool.',
    arguments_summary:
      'The arguments of the call for a narrow screen, as JSON of at most 1000 characters. A longer text is cut, and its end says how many characters are left out.',
    timeout_secs: 'The number of seconds after which the request counts as denied.',
    arguments:
      'The arguments of the call, whole: what is approved, and what runs. Absent only in requests of earlier versions of the server.',
    always: 'False: `always` is not offered for this call and counts as `approve`.',
  },
});

export const approvalResolved = event('approval_resolved', {
  summary:
    'The decision on a request, exactly one for each request. A denied call has a `tool_result` that says so. An approved call runs.',
  fields: {
    request_id: z.string(),
    decision: z.enum(DECISIONS),
    reason: z.enum(['answer', 'always', 'timeout', 'aborted']),
    by: z.optional(z.string()),
  },
  sentences: {
    request_id: 'The id of the request.',
    decision:
      'The decision. `always` approves later calls of this tool in this session as well: all, or those that the agent counts as the same.',
    reason:
      '`answer`: a person decided. `always`: an earlier `always` decided. `timeout`: there was no answer in time. `aborted`: the turn was stopped.',
    by: 'The subject of the principal that answered.',
  },
});

export const toolOutputRequest = event('tool_output_request', {
  summary:
    'A call of a tool that the client runs: the turn waits for what the client gives. The connection that has `lane` answers with `tool_output`; the first answer counts, and `tool_result` has it.',
  fields: {
    request_id: z.string(),
    tool_call_id: z.string(),
    tool: z.string(),
    arguments: z.json(),
    lane: z.string(),
    timeout_secs: z.number(),
  },
  sentences: {
    request_id: 'The id of the request. The answer names it.',
    tool_call_id: 'The `id` of the call.',
    tool: 'The name of the tool.',
    arguments: 'The arguments of the call, whole.',
    lane: 'The lane of the turn’s message. The connection that has it is asked; no other one can answer.',
    timeout_secs: 'The number of seconds after which the call has a result that says that nobody answered.',
  },
});

export const toolProgress = event('tool_progress', {
  summary:
    'What a running tool shows before its result. Each replaces the one before of the same call, and the result replaces the last one. It is not a part of the transcript.',
  fields: { id: z.string(), name: z.string(), ...shownOutput, restarted: z.optional(z.literal(true)) },
  sentences: {
    id: 'The `id` of the call.',
    name: 'The name of the tool.',
    output: 'What the tool shows, as text. It is cut as the output of a tool is.',
    json: TOOL_OUTPUT_SENTENCES.json,
    truncated: TOOL_OUTPUT_SENTENCES.truncated,
    output_length: TOOL_OUTPUT_SENTENCES.output_length,
    restarted:
      'True in the first one after the call was started again, because the function that ran it ended. The tool shows its progress from the beginning.',
  },
});

export const data = event('data', {
  summary:
    'A value for the page of the application, which a tool of the agent sends while it runs. No model sees it. It is a part of the transcript.',
  fields: { name: z.string(), id: z.string(), data: z.json(), tool_call_id: z.optional(z.string()) },
  sentences: {
    name: 'What it is, in the words of the application. An application shows nothing, or the value, for a name that it does not know.',
    id: 'The id of the part. A later event of the turn with the same `name` and `id` replaces the value.',
    data: 'The value.',
    tool_call_id: 'The `id` of the call that sends it.',
  },
});
