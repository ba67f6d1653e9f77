import { createHash } from 'node:crypto';
import { epochSeconds, expiresAfter, seconds } from '../../config/units.ts';
import { showsMore } from '../content.ts';
import { expiry } from '../core.ts';
import type { TurnEvent } from '../events/events.ts';
import { streamedText } from '../events/events.ts';
import type { Json } from '../json.ts';
import type { Model, PreparedStep } from '../model.ts';
import type { CachedAnswer, Principal } from '../store/items.ts';
import { cachedAnswerKey, cacheNoteKey, type Key } from '../store/keys.ts';
import { bytesOfStructure } from '../structure.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { hasForm } from './output.ts';

/** The longest text that is cached, in bytes: well within an item of 400 KB. */
const MAX_BYTES = 300_000;

/** Where the answer to a model call is stored, and that answer if it is known. */
export interface CacheLookup {
  key: Key<CachedAnswer>;
  hit: CachedAnswer | undefined;
}

/**
 * Looks up the answer to a model call: of this model, under these settings, to exactly this prompt, within the scope of
 * `MIDTURN_RESPONSE_CACHE`. Undefined: the call is not cacheable.
 */
export async function lookUp(
  turn: LeasedTurn,
  context: TurnContext,
  { model, request: { messages, setup } }: PreparedStep,
): Promise<CacheLookup | undefined> {
  const { core, settings } = context;
  const { cache } = settings;
  if (cache.scope === 'off' || model.fingerprint === undefined) return undefined;
  const asked = turn.events.filter(({ type }) => type === 'applied').length;
  // rule: cache-keeps-whole-answers
  if (asked !== 1 || turn.usage.steps > 0 || !turn.events.every(({ type }) => BEFORE_FIRST_CALL.has(type)))
    return undefined;
  if (messages.some((message) => message.role === 'user' && showsMore(message.content))) return undefined;
  const { principal } = turn.sessionItem;
  const key = cachedAnswerKey(
    digest([
      scopeOf(principal, cache.scope),
      model.fingerprint,
      /* rule: cache-key-has-prompt */ messages as Json,
      // Instructions and settings of this turn alone.
      .../* rule: cache-key-has-preparation */ (setup?.prepared === undefined ? [] : [setup.prepared]),
    ]),
  );
  const found = await core.store.get(key);
  // DynamoDB deletes expired items up to two days late.
  const isFresh = found && found.expires * 1000 > core.clock.now();
  return { key, hit: isFresh && (await hasForm(context, model, found)) ? found : undefined };
}

/** A model that answers with a cached text. */
export const replaying = ({ name, provider, price }: Model, { text }: CachedAnswer): Model => ({
  name,
  provider,
  ...(price && { price }),
  async *stream() {
    yield { type: 'text', text };
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 0, outputTokens: 0 }, cached: true };
  },
});

/** Caches the answer that a turn ended with. A failure is logged: the turn itself is complete. */
export async function keep(
  turn: LeasedTurn,
  { core, settings: { cache } }: TurnContext,
  place: CacheLookup | undefined,
): Promise<void> {
  // The lookup is that of the turn's last model call. It exists only if that was its first one, so nothing came between.
  if (!place || place.hit) return;
  // Of an answer with sources, files or tools, the text is not all.
  if (turn.events.some(({ type }) => !(/* rule: only-text-is-cached */ TEXT_ALONE.has(type)))) return;
  const text = streamedText(turn.events);
  if (text === '' || Buffer.byteLength(text) > MAX_BYTES) return;
  // Never longer than its transcript.
  const kept = expiresAfter(core.clock.now(), seconds(cache.hours * 3600));
  const expires = epochSeconds(Math.min(kept, expiry(core).entry));
  try {
    // The note first: without it, the deletion of the session would not find the answer.
    await core.store.put(cacheNoteKey(turn.session, place.key), { expires });
    await core.store.put(place.key, { text, expires });
  } catch (error) {
    core.log.warn('answer not cached', { error: error instanceof Error ? error.message : String(error) });
  }
}

/** The events that can stand before the first model call of a turn. After any other one, the cache is not asked. */
const BEFORE_FIRST_CALL: ReadonlySet<TurnEvent['type']> = new Set([
  'turn_start',
  'applied',
  'history_trimmed',
  'compacted',
]);

/** The events of a turn whose whole answer is a text. */
const TEXT_ALONE: ReadonlySet<TurnEvent['type']> = new Set([
  ...BEFORE_FIRST_CALL,
  'chunk',
  'thinking',
  'model_changed',
  'done',
]);

/** Who shares cached answers: part of the key, so that no other principal can find one. */
const scopeOf = ({ tenant, subject }: Principal, scope: 'principal' | 'tenant'): Json =>
  scope === 'tenant' ? [tenant] : [tenant, subject];

export function digest(value: Json): string {
  const hash = createHash('sha256');
  for (const bytes of bytesOfStructure(value)) hash.update(bytes);
  return hash.digest('hex');
}
