import type { SessionAgent, Subagent } from '../../core/turn/context.ts';
import type { AgentTool } from '../agent/agent-tools.ts';
import { messageOf } from './tool-failure.ts';
import { checkInput, describeInvalidCall } from './tool-input.ts';

/** The agent that calls of a tool ask. @param serve its models and tools */
export function subagentOf(
  { tool, prompt }: Pick<AgentTool, 'tool'> & Pick<NonNullable<AgentTool['subagent']>, 'prompt'>,
  serve: () => Promise<SessionAgent>,
): Subagent {
  return {
    serve,
    async promptOf({ name, args }) {
      try {
        const checked = await checkInput(tool.inputSchema, args);
        if (!checked.success) return { complaint: describeInvalidCall(checked.error, name) };
        return { prompt: await prompt(checked.value as never) };
      } catch (error) {
        return { complaint: messageOf(error) };
      }
    },
  };
}
