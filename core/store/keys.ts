import {
  asConnectionId,
  asFileId,
  asLaneId,
  asSessionKey,
  type ConnectionId,
  type FileId,
  type LaneId,
  type MessageId,
  type RequestId,
  type SessionId,
  type SessionKey,
  type TurnId,
} from '../ids.ts';
import type {
  CachedAnswer,
  CacheNote,
  Connection,
  FileItem,
  GivenOutput,
  Lane,
  Listing,
  MessageOutcome,
  PendingContent,
  Principal,
  RateCount,
  Session,
  StoredEntry,
  StoredEvents,
  Summary,
  TurnsInFlight,
} from './items.ts';
import type { KeptToken } from './token-items.ts';
import type { Spend } from './usage-items.ts';

/** A primary key whose type says what is stored under it. */
export interface Key<T> {
  readonly pk: string;
  readonly sk: string;
  /** Never set: carries the type. */
  readonly item?: T;
}

const SOLE = '-';
/** Enough for ten thousand years at one event a millisecond, and sorts as text. */
const number = (n: number) => String(n).padStart(14, '0');

const CONNECTION = 'CONNECTION#';
const LISTING = 'SESSION#';
const LANE = 'LANE#';
const CACHE = 'CACHE#';
const TURNS = 'TURNS#';
const SPEND = 'SPEND#';
const FILE = 'FILE#';

const partsOf = ({ tenant, subject }: Principal) =>
  /* rule: session-belongs-to-principal */ [tenant, subject].map(encodeURIComponent).join('#');

/**
 * A session belongs to its principal: the same id under another principal is another session (P12). Each part is
 * percent-encoded, so that no subject can spell a separator.
 */
export const sessionOf = (principal: Principal, sessionId: SessionId): SessionKey =>
  asSessionKey(`${partsOf(principal)}#${encodeURIComponent(sessionId)}`);

/** The range of all items of a session, except the session item itself. */
export const partsRange = (session: SessionKey): readonly [from: Key<unknown>, to: Key<unknown>] => [
  { pk: `SESSION#${session}`, sk: '.' },
  { pk: `SESSION#${session}`, sk: '~' },
];

export const connectionKey = (id: ConnectionId): Key<Connection> => ({ pk: `${CONNECTION}${id}`, sk: SOLE });
export const connectionIdOf = ({ pk }: Key<Connection>): ConnectionId =>
  asConnectionId(pk.slice(CONNECTION.length));
/** The token that the connection was opened with. */
export const tokenKey = (id: ConnectionId): Key<KeptToken> => ({ pk: `TOKEN#${id}`, sk: SOLE });
/**
 * All items of a session are in one partition, so that a deletion finds every one of them, and a lane is reached through
 * its own session only (P12).
 */
export const sessionKey = (session: SessionKey): Key<Session> => ({ pk: `SESSION#${session}`, sk: SOLE });
export const laneKey = (session: SessionKey, id: LaneId): Key<Lane> => ({
  pk: `SESSION#${session}`,
  sk: `${LANE}${id}`,
});
export const lanesRange = (session: SessionKey): readonly [from: Key<Lane>, to: Key<Lane>] => [
  laneKey(session, asLaneId('')),
  laneKey(session, asLaneId('~')),
];
export const laneIdOf = ({ sk }: Key<Lane>): LaneId => asLaneId(sk.slice(LANE.length));
export const messageKey = (session: SessionKey, id: MessageId): Key<MessageOutcome> => ({
  pk: `SESSION#${session}`,
  sk: `MESSAGE#${id}`,
});
/** The content of a pending message. The turn's id is unique to one attempt, so no repeat of the message replaces it. */
export const contentKey = (session: SessionKey, turn: TurnId): Key<PendingContent> => ({
  pk: `SESSION#${session}`,
  sk: `CONTENT#${turn}`,
});
/** What a client gave for a call. With its digest, so that another one for the same request does not replace it. */
export const outputKey = (session: SessionKey, request: RequestId, digest: string): Key<GivenOutput> => ({
  pk: `SESSION#${session}`,
  sk: `OUTPUT#${request}#${digest}`,
});
export const entryKey = (session: SessionKey, n: number): Key<StoredEntry> => ({
  pk: `SESSION#${session}`,
  sk: `ENTRY#${number(n)}`,
});
/** What is known of a file. Its bytes are elsewhere: `objectKey` in core/files. */
export const fileKey = (session: SessionKey, file: FileId): Key<FileItem> => ({
  pk: `SESSION#${session}`,
  sk: `${FILE}${file}`,
});
/** Undefined: the key is that of no file. */
export const fileIdOf = ({ sk }: Key<unknown>): FileId | undefined =>
  sk.startsWith(FILE) ? asFileId(sk.slice(FILE.length)) : undefined;
/** Under the last entry that it is about, so that one cut has one summary. */
export const summaryKey = (session: SessionKey, to: number): Key<Summary> => ({
  pk: `SESSION#${session}`,
  sk: `SUMMARY#${number(to)}`,
});
/** The principal's sessions in which a turn began, in the order in which they were made. */
export const listingKey = (
  principal: Principal,
  { created, sessionId }: Pick<Listing, 'created' | 'sessionId'>,
): Key<Listing> => listingAt(principal, `${number(created)}#${encodeURIComponent(sessionId)}`);
/** The same by its position in the list, from which a page continues. */
export const listingAt = (principal: Principal, place: string): Key<Listing> => ({
  pk: `PRINCIPAL#${partsOf(principal)}`,
  sk: `${LISTING}${place}`,
});
export const listingPosition = ({ sk }: Key<Listing>): string => sk.slice(LISTING.length);
export const rateKey = (principal: Principal, kind: string, window: number): Key<RateCount> => ({
  pk: `RATE#${partsOf(principal)}#${kind}#${window}`,
  sk: SOLE,
});
/** Of the principal that the session belongs to. */
export const principalTurnsKey = (session: SessionKey): Key<TurnsInFlight> => {
  const [tenant, subject] = session.split('#');
  return { pk: `${TURNS}${tenant}#${subject}`, sk: SOLE };
};
/** Of its tenant. */
export const tenantTurnsKey = (session: SessionKey): Key<TurnsInFlight> => ({
  pk: `${TURNS}${session.split('#')[0]}`,
  sk: SOLE,
});
/** What the principal that the session belongs to has used in a day (UTC, as `2026-11-30`). */
export const principalSpendKey = (session: SessionKey, day: string): Key<Spend> => {
  const [tenant, subject] = session.split('#');
  return { pk: `${SPEND}${tenant}#${subject}`, sk: day };
};
/** A share of what all of its tenant have. @param share one character of base64url */
export const tenantSpendKey = (session: SessionKey, day: string, share: string): Key<Spend> => ({
  pk: `${SPEND}${session.split('#')[0]}`,
  sk: `${day}#${share}`,
});
/** The first and the last share that there can be. */
export const tenantSpendKeys = (session: SessionKey, from: string, to = from): [Key<Spend>, Key<Spend>] => [
  tenantSpendKey(session, from, ''),
  tenantSpendKey(session, to, '~'),
];
export const cachedAnswerKey = (digest: string): Key<CachedAnswer> => ({
  pk: `${CACHE}${digest}`,
  sk: SOLE,
});
/** A note in the session that the answer was given in, so that its deletion finds the cached answer too. */
export const cacheNoteKey = (session: SessionKey, { pk }: Key<CachedAnswer>): Key<CacheNote> => ({
  pk: `SESSION#${session}`,
  sk: pk,
});
/** The key of the cached answer, if this is the key of a note. */
export const notedAnswer = ({ sk }: Key<unknown>): Key<CachedAnswer> | undefined =>
  sk.startsWith(CACHE) ? { pk: sk, sk: SOLE } : undefined;
/** Under the *last* `seq` that the item holds, so that a longer spill of the same events does not replace it. */
export const eventsKey = (session: SessionKey, lastSeq: number): Key<StoredEvents> => ({
  pk: `SESSION#${session}`,
  sk: `EVENTS#${number(lastSeq)}`,
});
