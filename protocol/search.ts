/**
 * Whether a title has each of these words, in any order, also as parts of words. Case, accents and compatibility forms (`ﬁ`, full-width
 * letters) do not count. A search without a word finds every title.
 *
 * @example hasWords('Café in Lisbon', 'CAFE lis') // true
 */
export function hasWords(title: string, search: string): boolean {
  const plainTitle = plain(title);
  return plain(search)
    .split(/\s+/)
    .every((word) => plainTitle.includes(word));
}

const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase();
