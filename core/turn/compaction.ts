import { epochSeconds, milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { entriesExpire } from '../core.ts';
import { type Entry, isSpoken } from '../events/entries.ts';
import { withoutUnchecked } from '../events/refused.ts';
import { readEntriesBefore } from '../events/transcript.ts';
import type { SessionKey } from '../ids.ts';
import { type Model, type ModelRequest, modelId } from '../model.ts';
import type { CompactionJob } from '../ports.ts';
import { countSpend } from '../session/spend.ts';
import type { Session, Summary } from '../store/items.ts';
import { sessionKey, summaryKey } from '../store/keys.ts';
import { attemptCompaction } from '../store/session-writes.ts';
import { storeSummary } from '../store/summary-writes.ts';
import { owedFor } from './call-usage.ts';
import { type Cut, compactionRequest, lineOf } from './compaction-request.ts';
import type { WorkerContext } from './context.ts';
import { redactQuotes } from './redaction.ts';
import { type Written, writeText } from './side-call.ts';
import { mayAttempt, newestSummary } from './summaries.ts';
import { TokenRatio } from './token-ratio.ts';
import { costOf } from './usage.ts';

/**
 * Summarises what a cut left out of prompts, beside the session's turns. A turn never waits for it: the one that cut answers
 * without a summary, and the first turn that begins when it is stored has it. Without one, prompts have what they had: the cut, and
 * the summary before it.
 */

/** The longest that a summary may take. */
const LONGEST_MS = milliseconds(180_000);
/** Of a summary as JSON: it stands in every later prompt, and is read with each turn. */
const MAX_BYTES = 16_000;
/** More than a cut has attempts: each has a mark of its own when it is counted. */
const TRIES_OF_CUT = 10;

type CompactionContext = Pick<WorkerContext, 'core' | 'agentFor' | 'settings' | 'remainingMs' | 'reserveMs'>;

/** A quarter of what earlier turns may take, at 4 bytes a token. */
const mostBytes = ({ settings }: CompactionContext): number => Math.min(MAX_BYTES, settings.contextTokens);

/**
 * Makes one attempt. It is over when this returns: whoever asks again makes the next one, if there is one left.
 *
 * @throws if the store fails
 */
export async function compact(context: CompactionContext, { session, from }: CompactionJob): Promise<void> {
  const { core } = context;
  const item = await core.store.get(sessionKey(session));
  // After a later cut, another job is about more.
  if (!item || item.deleted !== undefined || item.promptFrom !== from || !mayAttempt(item, from)) return;
  const previous = await newestSummary(core, session, from);
  if (previous?.to === from - 1 || mostBytes(context) === 0) return;
  const [{ compactor, budgeting, hooks }, cut] = await Promise.all([
    context.agentFor(item),
    readCut(context, session, from, previous),
  ]);
  if (!compactor || cut.entries.length === 0 || !(await attempt(core, session, item, from))) return;
  const model = await compactor();
  const shown = hooks?.beforeTurn ? { ...cut, entries: withoutUnchecked(cut.entries) } : cut;
  const request = compactionRequest(shown, mostBytes(context));
  const ms = milliseconds(Math.min(LONGEST_MS, context.remainingMs() - context.reserveMs));
  const written = await writeText(
    core,
    model,
    request,
    { session, purpose: 'summary' },
    { ms, bytes: mostBytes(context) },
  );
  if (written.usage) {
    const tries = item.compaction?.from === from ? item.compaction.tries + 1 : 1;
    const owed = owedFor(core, written.usage, model.price);
    for (const holder of budgeting?.holders ?? [])
      await countSpend(core, session, holder, { mark: from * TRIES_OF_CUT + tries, owed, kind: ' summary' });
  }
  if ('diagnostic' in written) {
    core.metrics.countBy('Compactions', 'failed');
    core.log.warn('a summary was not written: prompts go on without it', {
      session,
      model: modelId(model),
      diagnostic: redactQuotes(written.diagnostic, textsOf(request)),
    });
    return;
  }
  await keep(core, session, summaryOf(core, cut, from - 1, model, written));
}

/** What the cut left out since the summary before: as many whole turns as fit into a request, and at least one. */
async function readCut(
  { core, settings }: CompactionContext,
  session: SessionKey,
  from: number,
  previous: Summary | undefined,
): Promise<Cut> {
  const ratio = new TokenRatio();
  const entries: Entry[] = [];
  /** Entries of whole turns, newest first. */
  let whole = 0;
  let bytes = 0;
  for await (const entry of readEntriesBefore(core, session, from)) {
    if (entry.n <= (previous?.to ?? 0)) break;
    if (entries.at(-1)?.turn !== entry.turn) whole = entries.length;
    ratio.addOlder(entry, isSpoken(entry) ? Buffer.byteLength(JSON.stringify(entry)) : 0);
    bytes += Buffer.byteLength(lineOf(entry) ?? '');
    if (whole > 0 && bytes > settings.contextTokens * ratio.bytesPerToken)
      return { previous, entries: entries.slice(0, whole).reverse(), hasMore: true };
    entries.push(entry);
  }
  return { previous, entries: entries.reverse(), hasMore: false };
}

/** Two workers that read the same session make one attempt between them. */
async function attempt(core: Core, session: SessionKey, item: Session, from: number): Promise<boolean> {
  const tries = item.compaction?.from === from ? item.compaction.tries + 1 : 1;
  const by = core.newId();
  const key = sessionKey(session);
  const counted = await core.store.update(key, attemptCompaction(item, { from, tries, by }));
  if (counted.ok) return true;
  // The write took effect, and only its answer was lost.
  return (await core.store.get(key))?.compaction?.by === by;
}

function summaryOf(
  { retention }: Core,
  { previous, entries }: Cut,
  to: number,
  { provider, name, price }: Model,
  { text, finish: { usage } }: Written,
): Summary {
  const first = entries[0]?.n ?? to;
  const saidAt = entries.flatMap((entry) => (entry.role === 'user' ? entry.at : []));
  const ends = saidAt.map((at) => entriesExpire(retention, at));
  return {
    first: previous?.first ?? first,
    to,
    text,
    provider,
    model: name,
    usage,
    ...(price && { cost: costOf(usage, price), currency: price.currency }),
    // rule: summary-keeps-nothing-longer
    expires: epochSeconds(Math.min(...ends, previous?.expires ?? Number.POSITIVE_INFINITY)),
  };
}

async function keep(core: Core, session: SessionKey, summary: Summary): Promise<void> {
  const now = epochSeconds(Math.floor(core.clock.now() / 1000));
  await core.store.update(summaryKey(session, summary.to), storeSummary(summary, now));
  const { usage, cost, provider, model, currency } = summary;
  const by = `${provider}:${model}`;
  const { metrics, log } = core;
  metrics.countBy('Compactions', 'written');
  if (usage.inputTokens) metrics.countBy('CompactionInputTokens', by, usage.inputTokens);
  if (usage.outputTokens) metrics.countBy('CompactionOutputTokens', by, usage.outputTokens);
  if (cost) metrics.countBy('CompactionCost', by, cost);
  log.info('summary written', { session, model: by, to: summary.to, ...usage, cost, currency });
}

const textsOf = ({ messages }: ModelRequest): string[] =>
  messages.flatMap(({ role, ...rest }) =>
    role === 'user' && 'content' in rest && typeof rest.content === 'string' ? rest.content.split('\n') : [],
  );
