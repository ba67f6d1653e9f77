import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** The number of columns that a text takes on a terminal. */
export const widthOf = (text: string): number => stringWidth(text);

/** Replaces control characters by U+FFFD, because they could move the cursor, and tabs by two spaces. */
export function harmless(text: string): string {
  return (
    text
      .replaceAll('\r\n', '\n')
      .replaceAll('\t', '  ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are replaced
      .replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
  );
}

/**
 * Breaks a text into lines of at most `columns` columns, at spaces where possible. The space at a break is removed. The last
 * line keeps its trailing space, because a streamed text can continue there.
 */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, columns));
}

function wrapLine(line: string, columns: number): string[] {
  const lines = wrapAnsi(line, columns, { hard: true, trim: false }).split('\n');
  return lines.map((part, at) => {
    const text = at > 0 ? part.replace(/^ /, '') : part;
    return at < lines.length - 1 ? text.trimEnd() : text;
  });
}
