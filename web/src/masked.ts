/** A number of 13 to 19 digits, in groups or not: what a payment card may have (ISO/IEC 7812). */
const CARD = /(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])/g;
/** A JSON Web Token, and keys whose issuers begin them alike, so that scanners find them. */
const NAMED_KEY =
  /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\b(?:sk|pk|rk)[-_][\w-]{16,}|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza)[\w-]{12,}/g;
/** A long run without spaces that has small and capital letters and digits: a random key, and no word, path or address. */
const RANDOM_KEY = /(?<![\w/+=.:-])(?=[\w+=-]*[a-z])(?=[\w+=-]*[A-Z])(?=[\w+=-]*\d)[\w+=-]{28,}(?![\w/])/g;
const KEPT = 4;

/** The text with what looks like a payment card, a key or a token masked, but for its last four characters. */
export function masked(text: string): string {
  return text
    .replace(CARD, (number) => (isCard(number) ? mask(number) : number))
    .replace(NAMED_KEY, mask)
    .replace(RANDOM_KEY, mask);
}

const mask = (secret: string): string => `••••${secret.slice(-KEPT)}`;

/** The check digit of ISO/IEC 7812 (Luhn): a random number of that length has it in one case of ten. */
function isCard(number: string): boolean {
  const digits = [...number.replaceAll(/\D/g, '')].reverse().map(Number);
  const sum = digits.reduce((total, digit, at) => {
    const doubled = at % 2 === 0 ? digit : digit * 2;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
