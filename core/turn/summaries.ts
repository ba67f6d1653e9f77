import type { Core } from '../core.ts';
import { hasExpired } from '../events/whole-turns.ts';
import type { SessionKey } from '../ids.ts';
import type { Session, Summary } from '../store/items.ts';
import { summaryKey } from '../store/keys.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';

/** Attempts to summarise what one cut left out: in the turn that cut, and in the next one. */
const MAX_ATTEMPTS = 2;

type Stores = Pick<Core, 'store' | 'clock'>;

/** The newest summary of entries before this one. After a new cut, it is about less than the cut left out. */
export async function newestSummary(
  core: Stores,
  session: SessionKey,
  before: number,
): Promise<Summary | undefined> {
  const [newest] = await core.store.query(summaryKey(session, 1), summaryKey(session, before - 1), {
    backwards: true,
    limit: 1,
  });
  return living(core, newest);
}

const living = ({ clock }: Pick<Core, 'clock'>, summary: Summary | undefined): Summary | undefined =>
  summary && /* rule: summary-expires */ !hasExpired(summary, clock.now()) ? summary : undefined;

/**
 * The summary in the prompts of this turn. The first report of a turn says which one it is: one that is stored while the turn
 * runs is for the next turn, also for a worker that takes over. So the front of the turn's prompts stays as it is.
 *
 * @param from the first entry after the session's last cut
 */
export async function summaryFor(
  core: Stores,
  { session, events }: Pick<LeasedTurn, 'session' | 'events'>,
  from: number,
): Promise<Summary | undefined> {
  const reported = /* rule: turn-keeps-its-summary */ reportedIn(events);
  if (reported === undefined) return newestSummary(core, session, from);
  return reported === 'none' ? undefined : living(core, await core.store.get(summaryKey(session, reported)));
}

/** The last entry that the summary in the turn's prompts is about. Undefined: its first prompt is not made yet. */
function reportedIn(events: LeasedTurn['events']): number | 'none' | undefined {
  const report = events.find(({ type }) => type === 'history_trimmed');
  return report?.type === 'history_trimmed' ? (report.compacted_to ?? 'none') : undefined;
}

/** Whether another attempt would be made to summarise what the cut before `from` left out. */
export const mayAttempt = ({ compaction }: Pick<Session, 'compaction'>, from: number): boolean =>
  compaction?.from !== from || /* rule: attempts-are-bounded */ compaction.tries < MAX_ATTEMPTS;

/**
 * Asks for the summary of what the session's last cut left out, if there is none: another invocation writes it, beside this turn.
 * Nothing of the turn waits for it.
 */
export function askForSummary(
  turn: LeasedTurn,
  { compactor, core }: TurnContext,
  summary: Summary | undefined,
): void {
  const from = turn.promptFrom;
  if (!compactor || from === undefined || summary?.to === from - 1) return;
  if (!mayAttempt(turn.sessionItem, from)) return;
  const asking = core.queues.sendCompaction({ session: turn.session, from }, turn.id).catch((error) => {
    // The next turn asks again.
    core.log.warn('a summary cannot be asked for', { turn: turn.id, error: String(error) });
  });
  turn.startBeside(asking);
}
