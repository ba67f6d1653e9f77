import { type Model, modelId, type PreparedStep } from '../model.ts';
import { nameOf } from './agents-code.ts';
import { LANE_POLL_MS, looksBack, type TurnContext, timeIsShort } from './context.ts';
import { modelOf } from './fallback.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { first } from './model-call.ts';
import { promptFiles } from './prompt-files.ts';
import { requestOf, type Sources, shapeOf } from './prompt-shape.ts';
import { toolChoiceFor } from './step-limit.ts';
import { stepsOf } from './steps.ts';
import { tokenOf } from './token-of.ts';

/**
 * The turn's next model call. The agent's code may name its model, so it is asked before anything is made for that model: the
 * shape of its prompt, what is given back of earlier calls, the key of the response cache. After `model_changed` the fallback
 * model answers, whichever the code names.
 *
 * @returns `cut`: the turn has to decide anew, as after a call that is cut. `failed`: the code has thrown, or took too long.
 */
export async function prepareStep(
  turn: LeasedTurn,
  context: TurnContext,
  sources: Sources,
): Promise<PreparedStep | 'cut' | 'failed'> {
  const { core, settings } = context;
  const { model, from } = modelOf(turn, context);
  const files = await promptFiles(turn, sources);
  const requestFor = (asked: Parameters<typeof shapeOf>[1]) => ({
    ...requestOf(sources, shapeOf(turn, inRolesOf(model, asked)), toolChoiceFor(turn, settings.maxSteps)),
    ...(looksBack(context) && { steps: stepsOf(turn), turnId: turn.id }),
    setup: turn.setup,
    token: tokenOf(turn),
    ...(files.size > 0 && { files }),
  });
  const request = requestFor(model);
  if (!model.prepareStep) return { model, request };
  const step = /* rule: prompt-is-for-its-model */ model.prepareStep(
    request,
    requestFor,
    /* rule: fallback-is-kept */ from !== undefined,
  );
  const answer = await answered(
    turn,
    context,
    step.catch((error: unknown) => new Unprepared(nameOf(error))),
  );
  if (answer === 'cut') return answer;
  if (!(answer instanceof Unprepared)) return { ...answer, model: inRolesOf(model, answer.model) };
  core.log.error("the agent's code cannot prepare a step", { turn: turn.id, error: answer.reason });
  return 'failed';
}

/** What the deployment says of a model's prompts holds for it, also where the agent's code names it. */
const inRolesOf = <M extends Pick<Model, 'provider' | 'name' | 'alternates'>>(model: Model, named: M): M =>
  model.alternates && modelId(named) === modelId(model) ? { ...named, alternates: true } : named;

/** Why there is no step: what the agent's code has thrown, by name. */
class Unprepared {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/**
 * Waits for the agent's code as long as for a silent model. Meanwhile the lane is polled for an abort and for messages: those that
 * are seen are applied first (P6), and the code is asked anew.
 *
 * @throws if the store fails, or another worker has the lane: neither is the code's failure
 */
async function answered<T>(
  turn: LeasedTurn,
  context: TurnContext,
  answer: Promise<T>,
): Promise<T | 'cut' | Unprepared> {
  const { core, settings } = context;
  const until = core.clock.now() + settings.stallMs;
  for (;;) {
    const step = await first(answer, LANE_POLL_MS, core.clock);
    if (step !== 'time') return step;
    await turn.refresh();
    // rule: prepared-step-has-its-boundary
    if (turn.abortRequest || Object.keys(turn.lane.inbox).length > 0) return 'cut';
    if (timeIsShort(context)) return 'cut';
    if (core.clock.now() >= until) return new Unprepared(`no answer within ${settings.stallMs} ms`);
  }
}
