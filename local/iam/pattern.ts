/** Whether a text matches. Compiled once, because every call of every function is compared. */
export type Pattern = (text: string) => boolean;

/** Compiles IAM's wildcards: `*` matches any characters or none, `?` exactly one. Other characters are literal. */
export function compilePattern(pattern: string, { ignoreCase = false } = {}): Pattern {
  if (pattern === '*') return () => true;
  const wanted = ignoreCase ? pattern.toLowerCase() : pattern;
  if (!/[*?]/.test(wanted)) return (text) => (ignoreCase ? text.toLowerCase() : text) === wanted;
  const source = wanted
    .split(/([*?])/)
    .map((part) => {
      if (part === '*') return '.*';
      return part === '?' ? '.' : part.replace(/[\\^$.+()[\]{}|]/g, '\\$&');
    })
    .join('');
  const expression = new RegExp(`^${source}$`, ignoreCase ? 'is' : 's');
  return (text) => expression.test(text);
}

/** Compares ARNs part by part: a wildcard does not match a colon, except in the last part, the resource. */
export function compileArnPattern(pattern: string): Pattern {
  const parts = arnParts(pattern).map((part) => compilePattern(part));
  return (text) => {
    const given = arnParts(text);
    return given.length === parts.length && parts.every((matches, at) => matches(given[at] ?? ''));
  };
}

const ARN_PARTS = 6;

function arnParts(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(':')];
}
