import { shortened } from '../../protocol/text.ts';
import type { Json } from '../json.ts';

/** The longest summary of a call's arguments, in UTF-16 units. A user reads it before deciding. */
export const MAX_SUMMARY_LENGTH = 1000;
/** The longest string in it, so that one long text does not push the other arguments out. */
const MAX_STRING_LENGTH = 200;

const HIDDEN = '[hidden]';

/** Anywhere in a name, however it is spelt: `dbPassword`, `X-Api-Key`, `client_secret`. */
const SECRET_PART = /passw|passphrase|secret|token|credential|authori[sz]ation|apikey|privatekey/;
/** Matched as whole words only: `key` is the name of a secret, `monkey` is not. */
const SECRET_WORDS = new Set(['key', 'keys', 'auth', 'bearer', 'cookie', 'pwd', 'pin', 'otp', 'cvv', 'cvc']);

/** Secrets in text: `Bearer x`, `password=x`, `token: x`, `https://user:x@host`. */
const SCHEME = /\b(bearer|basic)(\s+)[^\s"',;]+/gi;
const ASSIGNMENT = /([\w-]*(?:passw|secret|token|api[_-]?key|credential)[\w-]*["']?\s*[=:]\s*)[^\s&,;]+/gi;
const USER_INFO = /(\w+:\/\/)[^\s/@]+@/g;
const RUN = /[\w+/~=.-]{20,}/g;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** Direction controls reorder what is shown, so the user could see another call than the one that would run. */
const BIDI = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * The arguments of a call as JSON for a user, at most `MAX_SUMMARY_LENGTH` long. Values under names of secrets and strings
 * that look like credentials are hidden; hiding too much is the lesser harm. A UUID is shown, since it usually identifies
 * what the call is about.
 */
export function argumentsSummary(args: Json): string {
  // Redact before cutting: half a credential does not look like one.
  const text = JSON.stringify(redacted(args)).replace(BIDI, escaped);
  return shortened(text, MAX_SUMMARY_LENGTH);
}

function redacted(value: Json): Json {
  if (typeof value === 'string') return shortened(redactedText(value), MAX_STRING_LENGTH);
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== 'object' || value === null) return value;
  // As headers and variables are often given: {name: 'Authorization', value: '…'}.
  const names = [value.name, value.key].filter((name) => typeof name === 'string');
  const isSecretPair = names.some(isSecretName);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (isSecretPair && name.toLowerCase() === 'value') return [name, HIDDEN];
      return [redactedText(name), isSecretName(name) ? HIDDEN : redacted(inner)];
    }),
  );
}

function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/);
  return SECRET_PART.test(words.join('')) || words.some((word) => SECRET_WORDS.has(word));
}

const redactedText = (text: string): string =>
  text
    .replace(USER_INFO, `$1${HIDDEN}@`)
    .replace(SCHEME, `$1$2${HIDDEN}`)
    .replace(ASSIGNMENT, `$1${HIDDEN}`)
    .replace(RUN, (run) => (looksOpaque(run) ? HIDDEN : run));

function looksOpaque(run: string): boolean {
  if (UUID.test(run)) return false;
  if (/[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run)) return true;
  return run.split('/').some((part) => part.length >= 20 && /[a-z]/i.test(part) && /\d/.test(part));
}

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
