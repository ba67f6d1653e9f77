/** What a page or a terminal needs to show a conversation, besides its state. It opens no connection. */
export { hasWords } from '../protocol/search.ts';
export { shortened, visible } from '../protocol/text.ts';
export { contentBytes, DEFAULT_CONTENT_BYTES } from './content.ts';
export { endingNote } from './ending-note.ts';
export { isId } from './ids.ts';
