import * as z from 'zod/mini';
import { ACTIONS } from './client-frames.ts';
import { event } from './event-definition.ts';
import { FORMATS } from './question-fields.ts';

/** A question of an MCP server to the user, while a tool of it is called: MCP's elicitation. */

/** What a form can ask for: MCP's `requestedSchema`, which is flat, as a list in the order of the form. */
const questionField = z.object({
  name: z.string(),
  type: z.enum(['string', 'number', 'integer', 'boolean', 'choice', 'choices']),
  title: z.optional(z.string()),
  description: z.optional(z.string()),
  required: z.optional(z.literal(true)),
  format: z.optional(z.enum(FORMATS)),
  min: z.optional(z.number()),
  max: z.optional(z.number()),
  options: z.optional(z.array(z.object({ value: z.string(), title: z.optional(z.string()) }))),
  default: z.optional(z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
});

export const elicitationRequest = event('elicitation_request', {
  request_id: z.string(),
  tool_call_id: z.string(),
  tool: z.string(),
  server: z.string(),
  mode: z.enum(['form', 'url']),
  message: z.string(),
  fields: z.optional(z.array(questionField)),
  url: z.optional(z.string()),
  timeout_secs: z.number(),
  at: z.optional(z.number()),
});

export const elicitationResolved = event('elicitation_resolved', {
  request_id: z.string(),
  action: z.enum(ACTIONS),
  reason: z.enum(['answer', 'timeout', 'aborted']),
});
