/** For programs on the client, which import nothing else of ours. */
export { shortened, visible } from '../protocol/text.ts';
