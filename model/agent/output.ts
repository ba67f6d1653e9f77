import type { OutputInterface } from 'ai';
import type { AnswerFacts, LoopControl } from '../../core/model.ts';
import { toJson } from '../tools/json-safe.ts';
import { sdkFinishReason, sdkModelOfStep, sdkUsage } from './sdk-steps.ts';

/** As `Output.object`, `array`, `choice` and `json` of the AI SDK make it. */
export type AgentOutput = OutputInterface;

/** Whether answers have a form of their own. `Output.text()` says that they have none. */
const hasForm = (output: AgentOutput | undefined): output is AgentOutput =>
  output !== undefined && output.name !== 'text';

/** For one model call: the form that its provider is told. The turn reads the answer, and the text streams as any other. */
export function formOfAnswer(output: AgentOutput | undefined): AgentOutput | undefined {
  if (!hasForm(output)) return undefined;
  return {
    name: 'text',
    responseFormat: output.responseFormat,
    parseCompleteOutput: async ({ text }) => text,
    // The SDK would parse the whole text again for each of its pieces, and hold back those that change nothing.
    parsePartialOutput: async ({ text }) => ({ partial: text }),
    createElementStreamTransform: () => undefined,
  };
}

/** Reads an answer as the SDK's own loop does. Undefined: answers are text. */
export function outputReader(output: AgentOutput | undefined): LoopControl['readOutput'] {
  if (!hasForm(output)) return undefined;
  return async (answer) => {
    try {
      return { value: toJson(await output.parseCompleteOutput({ text: answer.text }, contextOf(answer))) };
    } catch {
      // What it throws says what is wrong, with words of the answer.
      return undefined;
    }
  };
}

const contextOf = (answer: AnswerFacts) => ({
  response: { id: '', timestamp: new Date(0), modelId: sdkModelOfStep(answer.model).modelId },
  usage: sdkUsage(answer.usage),
  finishReason: sdkFinishReason({ finish: answer.finish, calls: [] }),
});
