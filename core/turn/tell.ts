import type { TurnObserver } from '../model.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { stepsOf } from './steps.ts';

/** Tells the agent's code that a step is over. @param step counted from 1 */
export function tellStep(turn: LeasedTurn, observer: TurnObserver, step: number): void {
  const [first] = turn.events;
  if (first) observer.tell({ type: 'step_ended', turnId: first.turn, steps: stepsOf(turn).slice(0, step) });
}

/** After the commit that ended the turn: tells the agent's code how. A turn without an event leaves nothing to tell. */
export function tellEnd(turn: LeasedTurn, { observer }: TurnContext): void {
  const last = turn.events.at(-1);
  if (!observer || !last) return;
  // The lane has no turn any more.
  const turnId = last.turn;
  const steps = stepsOf(turn);
  switch (last.type) {
    case 'done': {
      const { output } = last;
      observer.tell({
        type: 'done',
        turnId,
        steps,
        usage: turn.usage,
        ...(output !== undefined && { output }),
      });
      break;
    }
    case 'aborted':
      observer.tell({ type: 'aborted', turnId, steps, by: last.by });
      break;
    case 'error': {
      const { code, message, retryable } = last;
      observer.tell({ type: 'failed', turnId, code, message, retryable });
      break;
    }
  }
}
