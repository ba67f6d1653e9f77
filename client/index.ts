export {
  type ClientErrorCode,
  ClosedError,
  ConnectionError,
  ContentError,
  MessageCancelledError,
  MessageRejectedError,
  MidturnError,
  ServerReplyError,
  TurnFailedError,
} from './errors.ts';
export {
  type Chat,
  createMidturn,
  type MidturnOptions,
  type SendOptions,
  type SentMessage,
  type Transcript,
} from './midturn.ts';
export type { Platform, SocketConstructor, SocketLike } from './platform.ts';
export type { ErrorCode, EventFrame, EventOf, ServerFrame, ToolValue } from './protocol.ts';
export type {
  ActiveTurn,
  ApprovalItem,
  ChatState,
  ConnectionState,
  Item,
  MessageState,
  TextItem,
  ThinkingItem,
  ToolItem,
  TrimmedItem,
  TurnEndItem,
  TurnOutcome,
  Usage,
  UserItem,
} from './state.ts';
export type { OutboxStorage } from './storage.ts';
