import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readProperties } from '../template/properties.ts';
import { checkRead, checkWrite, rangeOf } from './conditions.ts';
import { corsRulesOf, judgeOrigin } from './cors.ts';
import type { S3Error } from './error.ts';
import { keptHeaders, sentHeaders } from './headers.ts';
import { listing } from './listing.ts';
import type { S3Object } from './objects.ts';
import { element } from './xml.ts';

const MODIFIED = Date.parse('2026-01-31T12:00:00.500Z');
const object = (key: string, more: Partial<S3Object> = {}): S3Object => ({
  key,
  file: 'f',
  size: 10,
  etag: 'tag',
  modified: MODIFIED,
  headers: { 'content-type': 'text/plain' },
  ...more,
});

/** What a function gives, or the code of its refusal. */
function outcome<T>(of: () => T): T | string {
  try {
    return of();
  } catch (error) {
    return (error as S3Error).code;
  }
}

describe('a range', () => {
  it.each([
    ['bytes=0-9', 10, [0, 9]],
    ['bytes=9-9', 10, [9, 9]],
    ['bytes=9-', 10, [9, 9]],
    ['bytes=0-10', 10, [0, 9]],
    ['bytes=-1', 10, [9, 9]],
    ['bytes=-10', 10, [0, 9]],
    ['bytes=-11', 10, [0, 9]],
    ['bytes=10-', 10, 'InvalidRange'],
    ['bytes=10-11', 10, 'InvalidRange'],
    ['bytes=-0', 10, 'InvalidRange'],
    ['bytes=0-', 0, 'InvalidRange'],
    ['bytes=-1', 0, 'InvalidRange'],
    ['bytes=5-4', 10, undefined],
    ['bytes=-', 10, undefined],
    ['bytes=1-2,4-5', 10, undefined],
    ['lines=1-2', 10, undefined],
    [undefined, 10, undefined],
  ])('%s of %i bytes is %j', (header, size, expected) => {
    const range = outcome(() => rangeOf(header, size));
    expect(typeof range === 'object' ? [range.start, range.end] : range).toEqual(expected);
  });
});

describe('a read', () => {
  const at = 'Sat, 31 Jan 2026 12:00:00 GMT';
  const before = 'Sat, 31 Jan 2026 11:59:59 GMT';
  it.each([
    [{}, 200],
    [{ 'if-match': '"tag"' }, 200],
    [{ 'if-match': '"other", tag' }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': '"other"' }, 'PreconditionFailed'],
    [{ 'if-unmodified-since': at }, 200],
    [{ 'if-unmodified-since': before }, 'PreconditionFailed'],
    // RFC 9110, 13.2.2: the second is not looked at.
    [{ 'if-match': '"tag"', 'if-unmodified-since': before }, 200],
    [{ 'if-none-match': '"tag"' }, 304],
    [{ 'if-none-match': '"other", "tag"' }, 304],
    [{ 'if-none-match': '"other"', 'if-modified-since': at }, 200],
    [{ 'if-modified-since': at }, 304],
    [{ 'if-modified-since': before }, 200],
    [{ 'if-modified-since': 'yesterday' }, 200],
  ])('with %j has the outcome %s', (headers, expected) => {
    expect(outcome(() => checkRead(headers, object('a')))).toBe(expected);
  });
});

describe('a write', () => {
  it.each([
    [{ 'if-none-match': '*' }, false, undefined],
    [{ 'if-none-match': '*' }, true, 'PreconditionFailed'],
    [{ 'if-none-match': '"tag"' }, false, 'NotImplemented'],
    [{ 'if-match': '"tag"' }, true, undefined],
    [{ 'if-match': '"other"' }, true, 'PreconditionFailed'],
    [{ 'if-match': '"tag"' }, false, 'NoSuchKey'],
  ])('with %j where there is an object (%s): %s', (headers, isThere, expected) => {
    expect(outcome(() => checkWrite(headers, isThere ? object('a') : undefined))).toBe(expected);
  });
});

describe('a listing', () => {
  const texts = (xml: string, tag: string) =>
    [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map(([, text = '']) => text);
  const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

  it('has all pages together each key or beginning once, in the order of their bytes', () => {
    const part = fc.constantFrom('a', 'b', '/', '--', 'é', '\uffee', '😀');
    const keys = fc.uniqueArray(
      fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('')),
    );
    const delimiters = fc.constantFrom('', '/', '--');
    fc.assert(
      fc.property(
        keys,
        delimiters,
        fc.constantFrom('', 'a'),
        fc.integer({ min: 1, max: 3 }),
        (all, delimiter, prefix, most) => {
          const objects = all.toSorted(bytewise).map((key) => object(key));
          const seen: string[] = [];
          let token: string | undefined;
          do {
            const query = new URLSearchParams({ prefix, delimiter, 'max-keys': String(most) });
            if (token !== undefined) query.set('continuation-token', token);
            const page = listing('b', objects, query);
            const names = [...texts(page, 'Key'), ...texts(page, 'Prefix').slice(1)];
            expect(texts(page, 'KeyCount')).toEqual([String(names.length)]);
            expect(names.length).toBeLessThanOrEqual(most);
            seen.push(...names.toSorted(bytewise));
            [token] = texts(page, 'NextContinuationToken');
            expect(texts(page, 'IsTruncated')).toEqual([String(token !== undefined)]);
          } while (token !== undefined);
          const nameOf = (key: string) => {
            const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
            return at < 0 ? key : key.slice(0, at + delimiter.length);
          };
          const named = all.filter((key) => key.startsWith(prefix)).map(nameOf);
          expect(seen).toEqual([...new Set(named)].toSorted(bytewise));
        },
      ),
    );
  });

  it.each([
    [{ 'max-keys': '1001' }, '1000'],
    [{ 'max-keys': '0' }, '0'],
    [{ 'max-keys': '-1' }, 'InvalidArgument'],
    [{ 'max-keys': 'x' }, 'InvalidArgument'],
    [{ 'continuation-token': '' }, 'InvalidArgument'],
    [{ 'continuation-token': 'a!' }, 'InvalidArgument'],
  ])('with %j has the limit %s', (query, expected) => {
    const page = outcome(() => listing('b', [object('a')], new URLSearchParams(query)));
    expect(texts(page, 'MaxKeys')[0] ?? page).toBe(expected);
  });

  it('names keys as the address of an object where that is asked for, and else as XML', () => {
    const of = (query: Record<string, string>) =>
      texts(listing('b', [object('a/ü&<\u0001')], new URLSearchParams(query)), 'Key');
    expect(of({ 'encoding-type': 'url' })).toEqual(['a/%C3%BC%26%3C%01']);
    expect(of({})).toEqual(['a/ü&amp;&lt;&#x1;']);
    expect(element('E', '"\n')).toBe('<E>&quot;&#xa;</E>');
  });
});

describe('headers', () => {
  it('of an upload are kept that say what it is, also those in its address', () => {
    const headers = {
      'content-type': 'image/png',
      'content-language': 'de',
      'cache-control': 'no-store',
      expires: 'never',
      'content-disposition': 'inline',
      'content-encoding': 'aws-chunked, gzip',
      'x-amz-meta-a': '1',
      'x-amz-date': 'now',
      host: 'h',
    };
    expect(keptHeaders(headers, new URLSearchParams({ 'X-Amz-Meta-B': '2', 'X-Amz-Date': 'now' }))).toEqual({
      'content-type': 'image/png',
      'content-language': 'de',
      'cache-control': 'no-store',
      expires: 'never',
      'content-disposition': 'inline',
      'content-encoding': 'gzip',
      'x-amz-meta-a': '1',
      'x-amz-meta-b': '2',
    });
    expect(keptHeaders({ 'content-encoding': 'aws-chunked' }, new URLSearchParams())).toEqual({
      'content-type': 'binary/octet-stream',
    });
  });

  it('of an answer are those that were kept, those that were asked for, and the checksum of the whole alone', () => {
    const kept = object('a', { headers: { 'content-type': 'a/b', 'x-amz-checksum-sha1': 's' } });
    const query = new URLSearchParams({ 'response-content-type': 'c/d', other: 'x' });
    const own = {
      'accept-ranges': 'bytes',
      etag: '"tag"',
      'last-modified': 'Sat, 31 Jan 2026 12:00:00 GMT',
    };
    expect(sentHeaders(kept, query, undefined, true)).toEqual({
      ...own,
      'content-type': 'c/d',
      'content-length': 10,
      'x-amz-checksum-sha1': 's',
    });
    const part = sentHeaders(kept, new URLSearchParams(), { start: 2, end: 4 }, true);
    expect(part).toEqual({
      ...own,
      'content-type': 'a/b',
      'content-length': 3,
      'content-range': 'bytes 2-4/10',
    });
    expect(sentHeaders(kept, query, undefined, false)).not.toHaveProperty('x-amz-checksum-sha1');
  });
});

describe('a request of a page', () => {
  const rule = {
    AllowedMethods: ['PUT', 'GET'],
    AllowedOrigins: ['https://chat.example'],
    AllowedHeaders: ['X-Amz-*', 'content-type', 'ab*ba'],
    ExposedHeaders: ['ETag'],
    MaxAge: 5,
  };
  function judged(method: string, headers: Record<string, string>, rules: readonly object[] = [rule]) {
    const properties = readProperties('Files', { CorsConfiguration: { CorsRules: rules as never } });
    const read = corsRulesOf({ logicalId: 'Files', type: 'AWS::S3::Bucket', properties, metadata: {} });
    const request = Object.assign(new IncomingMessage(new Socket()), { method, headers });
    return outcome(() => judgeOrigin(request, read));
  }
  const origin = 'http://localhost:8787';
  const asking = (method: string, headers?: string) =>
    judged('OPTIONS', {
      origin,
      'access-control-request-method': method,
      ...(headers !== undefined && { 'access-control-request-headers': headers }),
    });

  it('that asks is told what it may send, and what it may read', () => {
    expect(asking('PUT', 'Content-Type, x-amz-date')).toEqual({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'PUT, GET',
      'access-control-allow-headers': 'content-type, x-amz-date',
      'access-control-expose-headers': 'ETag',
      'access-control-max-age': '5',
      vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
    });
    const sent = judged('PUT', { origin });
    expect(sent).toMatchObject({ 'access-control-allow-origin': origin });
    expect(sent).not.toHaveProperty('access-control-max-age');
    const any = [{ ...rule, AllowedOrigins: ['*'] }];
    expect(judged('GET', { origin }, any)).toMatchObject({ 'access-control-allow-origin': '*' });
  });

  it.each([
    ['a method', () => asking('DELETE')],
    ['one of its headers', () => asking('PUT', 'content-type, authorization')],
    ['a header of which beginning and end are the same letters', () => asking('PUT', 'aba')],
    ['a method without asking', () => judged('DELETE', { origin })],
    ['anything', () => judged('PUT', { origin }, [])],
  ])('that may not send %s is refused', (_, of) => {
    expect(of()).toBe('AccessForbidden');
  });

  it('that a browser sends without asking is answered, and nothing is said of it', () => {
    expect(judged('GET', { origin }, [])).toEqual({});
    expect(judged('PUT', {}, [])).toEqual({});
  });
});
