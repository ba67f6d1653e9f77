import type { ToolApprovalStatus, ToolLoopAgentSettings, ToolSet } from 'ai';
import type { ApprovalNeed, ToolCall } from '../../core/model.ts';
import { ownValue } from '../../core/own-value.ts';
import { shortened } from '../../protocol/text.ts';
import type { Context } from '../agent/sdk-options.ts';

/** The SDK's `toolApproval`: a function about each call, or what holds for a tool by its name. */
export type ToolApproval = NonNullable<
  ToolLoopAgentSettings<never, ToolSet, Record<string, unknown>>['toolApproval']
>;

const MAX_REASON_LENGTH = 500;

/** What `toolApproval` says of a tool's calls. Undefined: nothing, and what stands at the tool holds. */
export function ruleFor(toolApproval: ToolApproval | undefined, name: string) {
  return typeof toolApproval === 'function' ? toolApproval : (ownValue(toolApproval, name) ?? undefined);
}

interface AskedWith {
  call: ToolCall;
  /** The call's input, as the tool's schema gives it. */
  input: unknown;
  tools: ToolSet;
  runtimeContext: Context;
  toolsContext: Readonly<Record<string, object | undefined>>;
}

/** @throws what the agent's code throws */
export async function needOf(
  toolApproval: ToolApproval,
  { call: { id, name, args }, input, tools, toolsContext, runtimeContext }: AskedWith,
): Promise<ApprovalNeed> {
  const messages: never[] = [];
  if (typeof toolApproval === 'function') {
    const toolCall = {
      type: 'tool-call' as const,
      toolCallId: id,
      toolName: name,
      input: args,
      dynamic: true as const,
    };
    return needOfStatus(
      await toolApproval({ toolCall, tools, toolsContext: toolsContext as never, messages, runtimeContext }),
    );
  }
  const rule = ownValue(toolApproval, name);
  if (typeof rule !== 'function') return needOfStatus(rule);
  const toolContext = ownValue(toolsContext, name) ?? {};
  return needOfStatus(
    await rule(input as never, {
      toolCallId: id,
      messages,
      toolContext: toolContext as never,
      runtimeContext,
    }),
  );
}

function needOfStatus(status: ToolApprovalStatus): ApprovalNeed {
  const { type, reason } = typeof status === 'object' ? status : { type: status, reason: undefined };
  switch (type) {
    case undefined:
    case 'not-applicable':
    case 'approved':
      return false;
    case 'denied':
      return { denied: reason ? shortened(reason, MAX_REASON_LENGTH) : '' };
    default:
      // Also for a word that a newer SDK may have.
      return true;
  }
}
