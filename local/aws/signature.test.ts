import { expect, it } from 'vitest';
import { encode, isSignedBy, readSignature, sign } from './signature.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const SCOPE = { date: '20150830', region: 'us-east-1', service: 'service' };
const BODY = Buffer.alloc(0);

// Of AWS's test suite for Signature Version 4, by the names that its cases have there.
it.each([
  ['get-vanilla', '/', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-vanilla-query-order-key-case',
    '/?Param2=value2&Param1=value1',
    {},
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'get-header-value-trim',
    '/',
    { 'my-header1': ' value1', 'my-header2': ' "a   b   c"' },
    'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  ],
])('a request is signed as in %s', (_, url, more, signature) => {
  const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z', ...more };
  const scope = { ...SCOPE, signedHeaders: Object.keys(headers).toSorted() };
  expect(sign(SECRET, { method: 'GET', url, headers }, BODY, scope)).toBe(signature);
});

it('what is not reserved stays as it is, and all else is encoded by its bytes', () => {
  expect(encode("aZ09-_.~!'()*/+ é")).toBe('aZ09-_.~%21%27%28%29%2A%2F%2B%20%C3%A9');
});

it.each([
  ['method', { method: 'PUT' }, BODY, SECRET],
  ['path', { url: '/b?x=1' }, BODY, SECRET],
  ['query', { url: '/a?x=2' }, BODY, SECRET],
  ['signed header', { headers: { 'x-amz-date': '20150830T123601Z' } }, BODY, SECRET],
  ['body', {}, Buffer.from('é'), SECRET],
  ['secret', {}, BODY, `${SECRET}x`],
])('a signature does not hold for another %s', (_, change, body, secret) => {
  const request = { method: 'GET', url: '/a?x=1', headers: { 'x-amz-date': '20150830T123600Z' } };
  const scope = { ...SCOPE, signedHeaders: ['x-amz-date'] };
  const signature = { ...scope, accessKeyId: 'k', signature: sign(SECRET, request, BODY, scope) };
  expect(isSignedBy(SECRET, request, BODY, signature)).toBe(true);
  expect(isSignedBy(secret, { ...request, ...change }, body, signature)).toBe(false);
});

it.each([
  undefined,
  'Bearer token',
  'AWS4-HMAC-SHA256 Credential=k/20150830/us-east-1/s3/aws4_request, SignedHeaders=host',
  'AWS4-HMAC-SHA256 Credential=k/2015/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=ab',
])('what is no signature is none: %s', (authorization) => {
  expect(readSignature({ headers: authorization === undefined ? {} : { authorization } })).toBeUndefined();
});
