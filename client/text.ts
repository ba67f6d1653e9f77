/** For programs on the client, which import nothing else of ours. */
export { shortened } from '../protocol/text.ts';
