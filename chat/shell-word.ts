/**
 * A word of a command that a person copies into a POSIX shell.
 *
 * @example shellWord('chat') // chat
 * @example shellWord('Our Chat!') // 'Our Chat!'
 */
export const shellWord = (word: string): string =>
  /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
