export { type AttachedChat, MidturnChatTransport, type MidturnChatTransportOptions } from './transport.ts';
export type { MidturnDataParts, MidturnMetadata, MidturnUIMessage } from './ui-message.ts';
