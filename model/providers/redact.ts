const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // user:password@ in a URL
  [/(\w+:\/\/)[^/\s"'@]+@/g, '$1[redacted]@'],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, '$1 [redacted]'],
  // keys as OpenAI, Anthropic and their like write them
  [/\b(sk|pk|key)-[\w*-]{6,}/gi, '[redacted]'],
  // what AWS repeats of a request whose signature does not match: the session's token, and the signature
  [/(x-amz-security-token["']?\s*[:=]\s*["']?)[^\s"'\\,&]+/gi, '$1[redacted]'],
  [/\b(Signature=)[0-9a-f]{16,}/gi, '$1[redacted]'],
  // AWS access key ids
  [/\b(AKIA|ASIA)[0-9A-Z]{12,}/g, '[redacted]'],
  [/([?&](?:[\w-]*(?:key|token|secret|signature|credential)[\w-]*)=)[^&\s"']+/gi, '$1[redacted]'],
];

/** Takes out the secrets that are known and whatever has the shape of one. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret) clean = clean.replaceAll(secret, '[redacted]');
  }
  for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
  return clean;
}
