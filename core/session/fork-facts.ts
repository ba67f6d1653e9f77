import { MAX_LABEL_LENGTH } from '../../protocol/limits.ts';
import type { SessionSummary } from '../../protocol/server-frames.ts';
import { cutAt } from '../../protocol/text.ts';
import { type Core, expiry } from '../core.ts';
import type { SessionId } from '../ids.ts';
import type { PromptShape } from '../model.ts';
import type { ForkFacts } from '../store/fork-writes.ts';
import type { Principal, Session } from '../store/items.ts';

/**
 * What a fork has of its origin beside the entries. What users trusted is not among it: they trusted calls in another
 * conversation.
 *
 * @param origin as it was read
 * @param seq its last event. The fork counts on from there: the events in its entries come before its own
 * @param before the first entry that the fork does not have
 */
export function forkFacts(
  core: Pick<Core, 'clock' | 'retention'>,
  origin: Session,
  {
    sessionId,
    name,
    seq,
    before,
    countedFor,
  }: {
    sessionId: SessionId;
    name: string | undefined;
    seq: number;
    before: number;
    countedFor: Principal | undefined;
  },
): ForkFacts {
  const { principal, agent, created } = origin;
  const given = name ?? (origin.name === undefined ? undefined : nextName(origin.name));
  return {
    principal,
    sessionId,
    created: core.clock.now(),
    seq,
    entry: before - 1,
    forkedFrom: { sessionId: origin.sessionId, before },
    copying: { created, to: 0, ...(countedFor && { countedFor }) },
    expires: expiry(core).session,
    ...(given !== undefined && { name: given }),
    ...(agent !== undefined && { agent }),
    ...promptFacts(origin, before),
  };
}

/** What is known of prompts, as far as it is about entries that the fork has. */
function promptFacts(
  { promptFrom, promptShapes, compactedTo }: Session,
  before: number,
): Pick<ForkFacts, 'promptFrom' | 'promptShapes' | 'compactedTo'> {
  const isCut = promptFrom !== undefined && promptFrom <= before;
  return {
    ...(isCut && { promptFrom }),
    ...(compactedTo !== undefined && compactedTo < before && { compactedTo }),
    ...(promptShapes && { promptShapes: promptShapes.map((shape) => shapeBefore(shape, before)) }),
  };
}

/** What was found out about later entries says nothing of those that the fork will have. */
function shapeBefore(shape: PromptShape, before: number): PromptShape {
  const { model, alternating, imagesTo, plainTo, unthoughtTo, from, without, bareSince } = shape;
  const upTo = (entry: number) => Math.min(entry, before - 1);
  return {
    model,
    ...(alternating && { alternating }),
    ...(imagesTo !== undefined && { imagesTo: upTo(imagesTo) }),
    ...(plainTo !== undefined && { plainTo: upTo(plainTo) }),
    ...(unthoughtTo !== undefined && { unthoughtTo: upTo(unthoughtTo) }),
    ...(from !== undefined && from <= before && { from }),
    ...(without && { without: without.filter(({ last }) => last < before) }),
    ...(bareSince !== undefined && bareSince < before && { bareSince }),
  };
}

/** Where a fork comes from, as clients are told. */
export const originOf = (session: Session | undefined): Pick<SessionSummary, 'forked_from'> =>
  session?.forkedFrom
    ? { forked_from: { session_id: session.forkedFrom.sessionId, before: session.forkedFrom.before } }
    : {};

/** `Soup`, `Soup (2)`, `Soup (3)`. */
export function nextName(name: string): string {
  const [, base = name, count = '1'] = /^(.+) \((\d{1,4})\)$/s.exec(name) ?? [];
  const suffix = ` (${Number(count) + 1})`;
  const kept = base.slice(0, cutAt(base, MAX_LABEL_LENGTH - suffix.length));
  return `${kept.trimEnd()}${suffix}`;
}
