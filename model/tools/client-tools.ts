import { seconds } from '../../config/units.ts';
import type { ClientTools, ToolCall } from '../../core/model.ts';
import { type AgentDefinition, findTool } from '../agent/agent-definition.ts';
import { isRunByClient } from '../agent/agent-tools.ts';
import { shownJson } from './shown-output.ts';
import { messageOf } from './tool-failure.ts';
import { describeInvalidCall } from './tool-input.ts';

/** A call's input, as the tool's schema gives it. */
export type CheckedInput = { success: true; value: unknown } | { success: false; error: Error };

/** Tools without `execute`, as the AI SDK has them: the client gives their outputs. */
export function clientTools(
  agent: Pick<AgentDefinition, 'tools'>,
  inputOf: (call: ToolCall) => Promise<CheckedInput>,
): ClientTools {
  return {
    has: (name) => {
      const own = findTool(agent, name);
      return own !== undefined && isRunByClient(own);
    },
    async complaintAbout(call) {
      try {
        const checked = await inputOf(call);
        return checked.success ? undefined : describeInvalidCall(checked.error, call.name);
      } catch (error) {
        return messageOf(error);
      }
    },
    async outcomeOf(call, output) {
      try {
        const checked = await inputOf(call);
        const shown = await findTool(agent, call.name)?.tool.toModelOutput?.({
          toolCallId: call.id,
          input: checked.success ? checked.value : call.args,
          output,
        });
        return { output, isError: false, ...(shown && { shown: shownJson(shown) }) };
      } catch (error) {
        return { output: messageOf(error), isError: true };
      }
    },
    answerSeconds: (name) => {
      const limit = findTool(agent, name)?.timeoutSeconds;
      return limit === undefined ? undefined : seconds(limit);
    },
  };
}
