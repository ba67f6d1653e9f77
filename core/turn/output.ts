import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import type { Json } from '../json.ts';
import { type AnswerFacts, type Model, type ModelFailure, modelId } from '../model.ts';
import type { CachedAnswer } from '../store/items.ts';
import { asked, nameOf } from './agents-code.ts';
import type { TurnContext } from './context.ts';
import type { OutputFields } from './end.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { stepsOf } from './steps.ts';

/** What became of the answer's form: fields of `done`, or how the turn fails. */
export type ReadOutput = { fields: OutputFields } | { failure: OutputFailure };

interface OutputFailure extends Pick<ModelFailure, 'message' | 'retryable'> {
  code: 'OUTPUT_INVALID' | 'AGENT_ERROR';
}

/**
 * Reads the answer that the turn ends with, where the agent's code says what form it has. It follows from committed text: a
 * worker that takes over reads the same.
 */
export async function readOutput(turn: LeasedTurn, context: TurnContext): Promise<ReadOutput> {
  const last = stepsOf(turn).at(-1);
  // A turn that the agent's code ends after the results of tools has no answer.
  if (!context.control?.readOutput || !last || last.calls.length > 0) return { fields: {} };
  try {
    for (const text of textsOfAnswer(turn)) {
      const read = await readAnswer(context, { ...last, text });
      if (read) return { fields: fieldsOf(read) };
    }
  } catch (error) {
    context.core.log.error("the agent's code cannot read the answer", {
      turn: turn.id,
      error: nameOf(error),
    });
    return {
      failure: { code: 'AGENT_ERROR', message: 'The agent could not read its answer.', retryable: false },
    };
  }
  context.core.log.warn("the answer does not have the form of the agent's output", {
    turn: turn.id,
    finish: last.finish,
  });
  return { failure: { code: 'OUTPUT_INVALID', message: messageFor(last.finish), retryable: true } };
}

/** Whether a cached answer has the form that the agent's code asks for now. */
export async function hasForm(context: TurnContext, model: Model, { text }: CachedAnswer): Promise<boolean> {
  if (!context.control?.readOutput) return true;
  const usage = { inputTokens: 0, outputTokens: 0 };
  const answer = { text, finish: 'stop', usage, model: modelId(model) };
  return readAnswer(context, answer).then(
    (read) => read !== undefined,
    () => false,
  );
}

const readAnswer = async ({ control, core }: TurnContext, answer: AnswerFacts) =>
  control?.readOutput && asked(core.clock, 'output', control.readOutput(answer));

/**
 * The texts that may be the answer. An answer whose call was cut goes on in the next one, or is begun anew: a model that is
 * held to a form cannot write the second half of one.
 */
function textsOfAnswer({ events, usage, log }: LeasedTurn): string[] {
  const { marks = [] } = usage;
  let length = 0;
  /** What was said before the user spoke is no part of the answer. */
  let asked = 0;
  for (const event of events) {
    if (event.type === 'chunk') length += event.content.length;
    else if (event.type === 'applied') asked = length;
  }
  const from = Math.max(marks.at(-2)?.textTo ?? 0, asked);
  const { textFrom = from, textTo = length } = marks.at(-1) ?? {};
  return [...new Set([from, Math.max(from, textFrom)])].map((start) => log.text.slice(start, textTo));
}

/** So that it fits into a frame of its own, as the content of a message does. */
function fieldsOf({ value }: { value: Json }): OutputFields {
  return Buffer.byteLength(JSON.stringify(value)) <= MAX_CONTENT_BYTES
    ? { output: value }
    : { output_omitted: true };
}

function messageFor(finish: string): string {
  switch (finish) {
    case 'length':
      return 'The answer reached its limit of tokens before it was complete.';
    case 'refusal':
    case 'content_filter':
      return 'The model did not complete its answer.';
    default:
      return 'The answer does not have the form that the agent asks for.';
  }
}
