export {
  type AttachedChat,
  MidturnChatTransport,
  type MidturnChatTransportOptions,
  type MidturnFork,
} from './transport.ts';
export type { MidturnDataParts, MidturnMetadata, MidturnUIMessage } from './ui-message.ts';
