/** For programs on the client, which import nothing else of ours. */
export { hasWords } from '../protocol/search.ts';
