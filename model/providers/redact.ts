const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // user:password@ in a URL
  [/(\w+:\/\/)[^/\s"'@]+@/g, '$1[redacted]@'],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, '$1 [redacted]'],
  // keys of OpenAI, Anthropic and others of that form
  [/\b(sk|pk|key)-[\w*-]{6,}/gi, '[redacted]'],
  // parts of a request that AWS quotes if its signature does not match: the session's token, and the signature
  [/(x-amz-security-token["']?\s*[:=]\s*["']?)[^\s"'\\,&]+/gi, '$1[redacted]'],
  [/\b(Signature=)[0-9a-f]{16,}/gi, '$1[redacted]'],
  // keys of Google, Groq and xAI
  [/\b(AIza|gsk_|xai-)[\w-]{16,}/g, '[redacted]'],
  // AWS access key ids
  [/\b(AKIA|ASIA)[0-9A-Z]{12,}/g, '[redacted]'],
  [/([?&](?:[\w-]*(?:key|token|secret|signature|credential)[\w-]*)=)[^&\s"']+/gi, '$1[redacted]'],
];

/** Replaces the known secrets, and all text that has the form of one. */
export function redact(text: string, secrets: Iterable<string>): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret) clean = clean.replaceAll(secret, '[redacted]');
  }
  for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
  return clean;
}
