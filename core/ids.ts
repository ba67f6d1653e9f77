/**
 * Ids whose kind is part of their type, so that the id of a slot is never used as that of a lane. A function that takes a
 * `LaneId` does not compile with another kind of id, nor with a plain string.
 *
 * The brand exists for the compiler alone: at run time an id is a string. Ids get their kind in few places: here when
 * they are made, in core/inbound/dispatch.ts when a client's frame is received, in aws/ and lambdas/ when a request or a
 * queue message is received. Items of the store have it by their interfaces.
 */
declare const kind: unique symbol;

type Id<Kind extends string> = string & { readonly [kind]: Kind };

/** A session as its principal and its clients name it. Another principal may have a session of the same id (P12). */
export type SessionId = Id<'session id'>;
/** The key of a session's items: principal and session id together (`sessionOf` in core/store/keys.ts). */
export type SessionKey = Id<'session key'>;
/** A WebSocket, as API Gateway names it. */
export type ConnectionId = Id<'connection'>;
export type LaneId = Id<'lane'>;
export type TurnId = Id<'turn'>;
/** A place in a session's queue. It is named after the turn that opened it (`slotOf`). */
export type SlotId = Id<'slot'>;
/** A message, as its client names it. */
export type MessageId = Id<'message'>;
/** A request for a user's approval of a tool call. */
export type RequestId = Id<'approval request'>;
/** A file of a session, as messages name it. */
export type FileId = Id<'file'>;

export const asSessionId = (text: string): SessionId => text as SessionId;
export const asSessionKey = (text: string): SessionKey => text as SessionKey;
export const asConnectionId = (text: string): ConnectionId => text as ConnectionId;
export const asLaneId = (text: string): LaneId => text as LaneId;
export const asTurnId = (text: string): TurnId => text as TurnId;
export const asSlotId = (text: string): SlotId => text as SlotId;
export const asMessageId = (text: string): MessageId => text as MessageId;
export const asRequestId = (text: string): RequestId => text as RequestId;
export const asFileId = (text: string): FileId => text as FileId;

interface RandomIds {
  newId(): string;
}
export const newSessionId = (core: RandomIds): SessionId => asSessionId(core.newId());
export const newLaneId = (core: RandomIds): LaneId => asLaneId(core.newId());
export const newTurnId = (core: RandomIds): TurnId => asTurnId(core.newId());
export const newMessageId = (core: RandomIds): MessageId => asMessageId(core.newId());
export const newRequestId = (core: RandomIds): RequestId => asRequestId(core.newId());
export const newFileId = (core: RandomIds): FileId => asFileId(core.newId());

/** The slot that a turn opens. A turn that follows in the same slot has another id. */
export const slotOf = (turn: TurnId): SlotId => asSlotId(turn);

/** The keys of a map by id, with their kind, which `Object.keys` loses. */
export const idsOf = <K extends string>(map: Readonly<Record<K, unknown>>): K[] => Object.keys(map) as K[];

/** The map without these keys. */
export const without = <K extends string, V>(map: Readonly<Record<K, V>>, ids: Iterable<K>): Record<K, V> => {
  const gone = new Set(ids);
  return Object.fromEntries(byId(map).filter(([id]) => !gone.has(id))) as Record<K, V>;
};

/** The entries of a map by id, with the kind of the keys, which `Object.entries` loses. */
export const byId = <K extends string, V>(map: Readonly<Record<K, V>>): [id: K, value: V][] =>
  Object.entries(map) as [K, V][];
