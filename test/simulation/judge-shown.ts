import type { TurnEvent } from '../../core/events/events.ts';
import type { Evidence } from './evidence.ts';
import type { Shown } from './shown.ts';
import { ASKS } from './subagents.ts';

/** What a call has shown so far. */
interface Run {
  by: string;
  n: number;
  hasProgress: boolean;
}

/**
 * What a tool shows comes between its call and its result (P13), in the tool's order, and each run by itself: nothing of a run comes after
 * something of a later one (P8). The first progress of a call that runs again says so.
 */
export function judgeShown(cloud: Evidence, turns: ReadonlyMap<string, readonly TurnEvent[]>): void {
  for (const [turn, events] of turns) {
    const running = new Set<string>();
    /** What an agent shows that a call asks is judged by itself. */
    const asking = new Set<string>();
    const runs = new Map<string, Run[]>();
    for (const event of events) {
      if (event.type === 'tool_call') running.add(event.id);
      if (event.type === 'tool_call' && event.name === ASKS) asking.add(event.id);
      if (event.type === 'tool_result') running.delete(event.id);
      if (event.type !== 'tool_progress' && event.type !== 'data') continue;
      const isProgress = event.type === 'tool_progress';
      const call = (isProgress ? event.id : event.tool_call_id) ?? '';
      if (asking.has(call)) {
        if (!running.has(call))
          cloud.violated('P13', `${event.type} ${event.seq} of ${call} comes after its result`);
        continue;
      }
      // Written by a `ShowingTool`.
      const { by, n, late } = (isProgress ? event.output : event.data) as unknown as Shown;
      const what = `${event.type} ${event.seq} of ${call} in turn ${turn}`;
      if (!running.has(call) || late) cloud.violated('P13', `${what} is shown while the call does not run`);
      const all = runs.get(call) ?? [];
      runs.set(call, all);
      if (all.at(-1)?.by !== by) {
        if (all.some((run) => run.by === by)) cloud.violated('P8', `${what} is of a run before the last one`);
        all.push({ by, n: 0, hasProgress: false });
      }
      const run = all.at(-1);
      if (!run) continue;
      if (n <= run.n) cloud.violated('P9', `${what} is number ${n}, after number ${run.n}`);
      run.n = n;
      if (!isProgress) continue;
      const isAgain = !run.hasProgress && all.some(({ hasProgress }) => hasProgress);
      if ((event.restarted === true) !== isAgain)
        cloud.violated('restart', `${what} says ${event.restarted ? '' : 'not '}that the call runs again`);
      run.hasProgress = true;
    }
  }
}
