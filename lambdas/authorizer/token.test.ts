import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64url } from '../../client/base64url.ts';
import { tokenOf } from './token.ts';

const offering = (...protocols: string[]) => ({
  headers: { 'sec-websocket-protocol': protocols.join(', ') },
  queryStringParameters: { token: 'of-the-query' },
});

describe('an encoded token (4.1.10)', () => {
  it('is read whatever its characters are, as the client writes it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (token) => {
        expect(tokenOf(offering('midturn.v1', `bearer64.${base64url(token)}`))).toBe(token);
      }),
    );
  });

  it('comes after one that is offered as it is, and before that of the query', () => {
    expect(tokenOf(offering(`bearer64.${base64url('encoded')}`, 'bearer.plain'))).toBe('plain');
    expect(tokenOf(offering('bearer64.'))).toBe('of-the-query');
  });

  it.each(['a', 'YQ=', 'YR', 'Y+/', 'YQ YQ', '_w', '7aCA'])(
    'that is not base64url of UTF-8 (%s) is no token, and none is taken from elsewhere',
    (written) => {
      expect(tokenOf(offering(`bearer64.${written}`))).toBe('');
    },
  );
});

describe('a token (4.1.10)', () => {
  it.each(['authorization', 'Authorization', 'AUTHORIZATION'])(
    'is read of the header %s, whatever the case of its scheme, before any other place',
    (header) => {
      for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
        const { headers, ...query } = offering('bearer.offered', `bearer64.${base64url('encoded')}`);
        expect(tokenOf({ headers: { ...headers, [header]: ` ${scheme}  of-the-header ` }, ...query })).toBe(
          'of-the-header',
        );
      }
    },
  );

  it.each(['Basic YTpi', 'Bearer', 'Bearer ', 'Bearer a b', 'of-the-header'])(
    'is not "%s" of that header: the next place is looked at',
    (Authorization) => {
      expect(tokenOf({ headers: { Authorization }, queryStringParameters: { token: 't' } })).toBe('t');
    },
  );

  it.each([
    {},
    { headers: null, queryStringParameters: null },
    { queryStringParameters: { token: '' } },
    { headers: { 'Sec-WebSocket-Protocol': 'midturn.v1, bearer.' } },
  ])('is nowhere in %j', (handshake) => {
    expect(tokenOf(handshake)).toBeUndefined();
  });
});
