export { argumentsText } from './approval.ts';
export { browserStorage } from './browser-storage.ts';
export type {
  AnswerRequest,
  Chat,
  FileRequest,
  ForkRequest,
  MidturnOptions,
  SendOptions,
  SentMessage,
  SessionInfo,
  SessionPage,
  Sessions,
  Transcript,
} from './chat.ts';
export { textOf } from './content.ts';
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
export { createMidturn } from './midturn.ts';
export { sourceOf } from './notes.ts';
export type { Platform, SocketConstructor, SocketLike } from './platform.ts';
export type {
  Content,
  ContentPart,
  ErrorCode,
  EventFrame,
  EventOf,
  ServerFrame,
  ToolValue,
} from './protocol.ts';
export type {
  ActiveTurn,
  ApprovalItem,
  ChatState,
  CompactedItem,
  ConnectionState,
  DataItem,
  FileItem,
  Item,
  MessageState,
  ModelChangedItem,
  Source,
  SourcesItem,
  TextItem,
  ThinkingItem,
  ToolAnswer,
  ToolItem,
  ToolRequest,
  TrimmedItem,
  TurnEndItem,
  TurnOutcome,
  Usage,
  UserItem,
} from './state.ts';
export type { OutboxStorage } from './storage.ts';
export { outputOf } from './tool-output.ts';
