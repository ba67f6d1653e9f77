import type {
  CachedAnswer,
  CacheNote,
  Connection,
  Lane,
  Listing,
  MessageOutcome,
  Principal,
  RateCount,
  Session,
  StoredEntry,
  StoredEvents,
} from './items.ts';

/** A primary key that knows what is stored under it. */
export interface Key<T> {
  readonly pk: string;
  readonly sk: string;
  /** Never set: carries the type. */
  readonly item?: T;
}

const SOLE = '-';
/** Enough for ten thousand years at one event a millisecond, and sorts as text. */
const number = (n: number) => String(n).padStart(14, '0');

const LISTING = 'SESSION#';
const LANE = 'LANE#';
const CACHE = 'CACHE#';

const partsOf = ({ tenant, subject }: Principal) => [tenant, subject].map(encodeURIComponent).join('#');

/**
 * A session belongs to its principal: the same id under another principal is another session (P12). Each part is
 * percent-encoded, so that no subject can spell a separator.
 */
export const sessionOf = (principal: Principal, sessionId: string): string =>
  `${partsOf(principal)}#${encodeURIComponent(sessionId)}`;

/** All that a session consists of, from the first sort key to the last, but for the session itself. */
export const partsRange = (session: string): readonly [from: Key<unknown>, to: Key<unknown>] => [
  { pk: `SESSION#${session}`, sk: '.' },
  { pk: `SESSION#${session}`, sk: '~' },
];

export const connectionKey = (id: string): Key<Connection> => ({ pk: `CONNECTION#${id}`, sk: SOLE });
/**
 * All that a session consists of is in one partition, so that whoever deletes it finds every item, and a lane is reached
 * through its own session alone (P12).
 */
export const sessionKey = (session: string): Key<Session> => ({ pk: `SESSION#${session}`, sk: SOLE });
export const laneKey = (session: string, id: string): Key<Lane> => ({
  pk: `SESSION#${session}`,
  sk: `${LANE}${id}`,
});
export const lanesRange = (session: string): readonly [from: Key<Lane>, to: Key<Lane>] => [
  laneKey(session, ''),
  laneKey(session, '~'),
];
export const laneIdOf = ({ sk }: Key<Lane>): string => sk.slice(LANE.length);
export const messageKey = (session: string, id: string): Key<MessageOutcome> => ({
  pk: `SESSION#${session}`,
  sk: `MESSAGE#${id}`,
});
export const entryKey = (session: string, n: number): Key<StoredEntry> => ({
  pk: `SESSION#${session}`,
  sk: `ENTRY#${number(n)}`,
});
/** The sessions of a principal in which something was said, in the order in which they were made. */
export const listingKey = (
  principal: Principal,
  { created, sessionId }: Pick<Listing, 'created' | 'sessionId'>,
): Key<Listing> => listingAt(principal, `${number(created)}#${encodeURIComponent(sessionId)}`);
/** The place itself, as a list's pages give it to go on from. */
export const listingAt = (principal: Principal, place: string): Key<Listing> => ({
  pk: `PRINCIPAL#${partsOf(principal)}`,
  sk: `${LISTING}${place}`,
});
export const listingPosition = ({ sk }: Key<Listing>): string => sk.slice(LISTING.length);
export const rateKey = (principal: Principal, kind: string, window: number): Key<RateCount> => ({
  pk: `RATE#${partsOf(principal)}#${kind}#${window}`,
  sk: SOLE,
});
export const cachedAnswerKey = (digest: string): Key<CachedAnswer> => ({
  pk: `${CACHE}${digest}`,
  sk: SOLE,
});
/** Stands in the session that an answer was given in, so that whoever deletes it finds the answer too. */
export const cacheNoteKey = (session: string, { pk }: Key<CachedAnswer>): Key<CacheNote> => ({
  pk: `SESSION#${session}`,
  sk: pk,
});
/** The answer that this is a note of, if it is one. */
export const notedAnswer = ({ sk }: Key<unknown>): Key<CachedAnswer> | undefined =>
  sk.startsWith(CACHE) ? { pk: sk, sk: SOLE } : undefined;
/** Under the *last* seq that the item holds: a later, longer spill of the same events replaces nothing. */
export const eventsKey = (session: string, lastSeq: number): Key<StoredEvents> => ({
  pk: `SESSION#${session}`,
  sk: `EVENTS#${number(lastSeq)}`,
});
