/** Characters that take two columns: most of East Asia's, and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;
const CLUSTERS = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Columns on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of CLUSTERS.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Control characters, which a stranger's text could move the cursor with, are made visible; tabs become spaces. */
export function harmless(text: string): string {
  return (
    text
      .replaceAll('\r\n', '\n')
      .replaceAll('\t', '  ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be replaced
      .replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
  );
}

/** Lines of at most this many columns, broken at spaces where there are any. The last one may go on. */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, columns));
}

function wrapLine(line: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (widthOf(rest) > columns) {
    const fitting = prefixOf(rest, columns);
    const space = fitting.lastIndexOf(' ');
    const end = space > 0 ? space : fitting.length;
    lines.push(rest.slice(0, end));
    rest = rest.slice(space > 0 ? end + 1 : end);
  }
  return [...lines, rest];
}

function prefixOf(text: string, columns: number): string {
  let width = 0;
  for (const { segment, index } of CLUSTERS.segment(text)) {
    width += widthOf(segment);
    if (width > columns && index > 0) return text.slice(0, index);
  }
  return text;
}
