import { expect, test } from 'vitest';
import { redact } from './redact.ts';

test.each([
  ['https://me:pw@host/v1', 'https://[redacted]@host/v1'],
  ['Authorization: Bearer abc.def-1', 'Authorization: Bearer [redacted]'],
  ['key sk-proj-abcdef123', 'key [redacted]'],
  ['AKIAABCDEFGHIJKLMNOP signed', '[redacted] signed'],
  ['ASIAABCDEFGHIJKLMNOP signed', '[redacted] signed'],
  ['xai-abcdefgh12345678, gsk_abcdefgh12345678, AIzaabcdefgh12345678', '[redacted], [redacted], [redacted]'],
  ['Basic dXNlcjpwdw==', 'Basic [redacted]'],
  ['x-amz-security-token:FwoGZXI//a=\nhost', 'x-amz-security-token:[redacted]\nhost'],
  ['"x-amz-security-token": "IQoJb3Jp"', '"x-amz-security-token": "[redacted]"'],
  ['SignedHeaders=host, Signature=0123456789abcdef0123', 'SignedHeaders=host, Signature=[redacted]'],
  ['GET /x?api_key=abc&y=1&X-Amz-Signature=def', 'GET /x?api_key=[redacted]&y=1&X-Amz-Signature=[redacted]'],
  ['the value hunter2 twice: hunter2', 'the value [redacted] twice: [redacted]'],
  ['BEARER abc, basic abc', 'BEARER [redacted], basic [redacted]'],
  ['sk-abcdef, pk-abcdef, KEY-abcdef, sk-abcde', '[redacted], [redacted], [redacted], sk-abcde'],
  [`gsk_${'a'.repeat(16)}, gsk_${'a'.repeat(15)}`, `[redacted], gsk_${'a'.repeat(15)}`],
  [`AKIA${'A'.repeat(12)}, AKIA${'A'.repeat(11)}`, `[redacted], AKIA${'A'.repeat(11)}`],
  [
    `Signature=${'a'.repeat(16)}, Signature=${'a'.repeat(15)}`,
    `Signature=[redacted], Signature=${'a'.repeat(15)}`,
  ],
  [
    '?X-Amz-Credential=a&client_secret=b&my-token=c&page=d',
    '?X-Amz-Credential=[redacted]&client_secret=[redacted]&my-token=[redacted]&page=d',
  ],
  ['http://ann@host, ann@host', 'http://[redacted]@host, ann@host'],
  ['nothing secret, key-free', 'nothing secret, key-free'],
])('%s', (text, clean) => {
  expect(redact(text, ['hunter2', ''])).toBe(clean);
});
