import { describe, expect, it } from 'vitest';
import { epochSeconds } from '../../config/units.ts';
import { MAX_CONTENT_BYTES, MAX_FRAME_LEVELS, MAX_OPTIONS_BYTES } from '../../protocol/limits.ts';
import { around, textOfBytes } from '../../test/support/text.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';

describe('P10: a frame in error is answered, and affects nothing else', () => {
  it.each(['', 'no JSON', '{"type":"ping"', 'null', '7', '"ping"', '[{"type":"ping"}]'])(
    'no JSON object: %j',
    async (body) => {
      const { send } = await clientInMemory();
      expect(await send(body)).toMatchObject([{ type: 'error', code: 'INVALID_JSON' }]);
      expect(await send({ type: 'ping' })).toEqual([{ type: 'pong' }]);
    },
  );

  it.each([{}, { type: 7 }, { type: 'toString' }, { type: '__proto__' }, { type: 'Message' }])(
    'of no known type: %j',
    async (frame) => {
      const { send } = await clientInMemory();
      const [error] = await send({ ...frame, id: 'm1' });
      expect(error).toMatchObject({ code: 'UNKNOWN_MESSAGE_TYPE', id: 'm1' });
      expect(error?.message).toContain('message, ');
    },
  );

  it.each<[object, string]>([
    [{ type: 'message' }, 'content'],
    [{ type: 'message', content: 7 }, 'content'],
    [{ type: 'message', content: 'a', delivery: 'soon' }, 'delivery'],
    [{ type: 'message', content: 'a', order: -1 }, 'order'],
    [{ type: 'message', content: 'a', order: 1.5 }, 'order'],
    // Of the forms that the value can have, the one that was meant.
    [{ type: 'message', content: [{ type: 'text' }] }, 'content.0.text'],
    [
      {
        type: 'message',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 7 },
        ],
      },
      'content.1.text',
    ],
    [{ type: 'message', content: [{ type: 'image', media_type: 'image/png', data: 7 }] }, 'content.0.data'],
    [{ type: 'message', content: [{ type: 'image', url: 'no url' }] }, 'content.0.url'],
    [{ type: 'message', content: [{ type: 'film' }] }, 'content.0.type'],
    [{ type: 'cancel' }, 'id'],
    [{ type: 'history', limit: 0 }, 'limit'],
    [{ type: 'history', limit: 201 }, 'limit'],
    [{ type: 'rename', session_id: 'one' }, 'name'],
    [{ type: 'approval_response', request_id: 'r', decision: 'maybe' }, 'decision'],
  ])('whose field does not fit: %j names %s', async (frame, field) => {
    const { send } = await clientInMemory();
    const [error, ...others] = await send(frame);
    expect(error).toMatchObject({ type: 'error', code: 'INVALID_FRAME' });
    expect(error?.message).toContain(`"${field}"`);
    expect(others).toEqual([]);
  });

  it.each([
    ['message', 'options', 'm1'],
    ['tool_output', 'output', 'r1'],
  ])('P10: of more levels than are read: %s with deep %s', async (type, field, id) => {
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}[]${'}'.repeat(levels)}`;
    const frame = (levels: number) =>
      `{"type":"${type}","${type === 'message' ? 'id' : 'request_id'}":"${id}","content":"a","${field}":${deep(levels)}}`;
    const { send } = await clientInMemory();
    for (const levels of [MAX_FRAME_LEVELS - 1, 2000, 5000]) {
      const [error] = await send(frame(levels));
      expect(error).toMatchObject({ type: 'error', code: 'INVALID_FRAME', id });
      expect(error?.message).toContain(`in ${levels + 2} levels`);
    }
    const [atLimit] = await send(frame(MAX_FRAME_LEVELS - 2));
    expect(atLimit?.code).not.toBe('INVALID_FRAME');
    expect(await send({ type: 'ping' })).toEqual([{ type: 'pong' }]);
  });

  it('tells the id only if it is one', async () => {
    const { send } = await clientInMemory();
    for (const [id, told] of [
      ['m1', 'm1'],
      ['x'.repeat(64), 'x'.repeat(64)],
      ['x'.repeat(65), undefined],
      ['two words', undefined],
      [7, undefined],
    ])
      expect((await send({ type: 'message', id }))[0]?.id).toBe(told);
  });

  it.each(['x', 'é', '€', '😀'])(
    'whose options have more bytes as JSON than they may: of %s',
    async (unit) => {
      for (const bytes of around(MAX_OPTIONS_BYTES)) {
        const options = { a: textOfBytes(bytes - '{"a":""}'.length, unit) };
        const { send } = await clientInMemory();
        for (const [frame, id] of [
          [{ type: 'message', id: 'm', content: 'hello' }, 'm'],
          [{ type: 'connect' }, undefined],
        ] as const) {
          const answer = (await send({ ...frame, options })).at(-1);
          if (bytes <= MAX_OPTIONS_BYTES) expect(answer?.type).not.toBe('error');
          else {
            const error = {
              code: 'MESSAGE_TOO_LARGE',
              limit: MAX_OPTIONS_BYTES,
              depth: bytes,
              path: 'options',
            };
            expect(answer).toMatchObject(error);
            expect(answer?.id).toBe(id);
          }
        }
      }
    },
  );

  it.each([
    ['locale', 'de-CH', true],
    ['locale', 'not a tag', false],
    ['time_zone', 'Europe/Berlin', true],
    ['time_zone', 'Mars/Base', false],
  ])('whose %s is %s is one: %s', async (field, value, isOne) => {
    const { send } = await clientInMemory();
    const [answer] = await send({ type: 'connect', [field]: value });
    if (isOne) expect(answer).toMatchObject({ type: 'connected' });
    else
      expect(answer).toMatchObject({ code: 'INVALID_FRAME', message: expect.stringContaining(`"${field}"`) });
  });

  it('a ping is answered with its own nonce', async () => {
    const { send } = await clientInMemory();
    expect(await send({ type: 'ping', nonce: '€' })).toEqual([{ type: 'pong', nonce: '€' }]);
  });
});

describe('P2: a message that is refused is not stored', () => {
  it.each(['x', 'é', '€', '😀'])(
    'by the bytes of its JSON, at the limit and not below it: text of %s',
    async (unit) => {
      for (const [n, bytes] of around(MAX_CONTENT_BYTES).entries()) {
        const { send, run } = await clientInMemory();
        const [answer] = await send({ type: 'message', id: `m${n}`, content: textOfBytes(bytes - 2, unit) });
        if (bytes <= MAX_CONTENT_BYTES) expect(answer).toMatchObject({ type: 'accepted', id: `m${n}` });
        else {
          expect(answer).toMatchObject({
            code: 'MESSAGE_TOO_LARGE',
            id: `m${n}`,
            limit: MAX_CONTENT_BYTES,
            depth: bytes,
          });
          expect(answer?.message).not.toContain('URL');
          expect(await run()).toEqual([]);
        }
      }
    },
  );

  it.each(['', '   ', '\n\t', [{ type: 'text', text: ' ' }]])('without content: %j', async (content) => {
    const { send, run } = await clientInMemory();
    expect(await send({ type: 'message', id: 'm', content })).toMatchObject([
      { code: 'EMPTY_CONTENT', id: 'm' },
    ]);
    expect(await run()).toEqual([]);
  });

  it('with an image by its URL, where the server takes none; otherwise a large image may be sent so', async () => {
    const byUrl = [{ type: 'image', url: 'https://example.com/a.png' }];
    const large = [{ type: 'image', media_type: 'image/png', data: 'A'.repeat(MAX_CONTENT_BYTES) }];
    for (const imageUrls of [true, false]) {
      const { core } = await clientInMemory();
      const { send } = await clientInMemory({
        core: { sessionSettings: { ...core.sessionSettings, imageUrls } },
      });
      const [answer] = await send({ type: 'message', id: 'm', content: byUrl });
      expect(answer).toMatchObject(imageUrls ? { type: 'accepted' } : { code: 'INVALID_FRAME', id: 'm' });
      const [tooLarge] = await send({ type: 'message', id: 'n', content: large });
      expect(tooLarge).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
      expect(String(tooLarge?.message).includes('URL')).toBe(imageUrls);
    }
  });
});

describe('P12: a frame after the end of its token', () => {
  const ENDS = 1_800_000_000;
  it('is served for a minute more, and refused from then on', async () => {
    for (const [n, late] of around(60_000).entries()) {
      const { send } = await clientInMemory({ tokenExpires: epochSeconds(ENDS) });
      const [answer] = await send({ type: 'message', id: 'm', content: 'late' }, ENDS * 1000 + late);
      expect(answer).toMatchObject(n < 2 ? { type: 'accepted' } : { code: 'TOKEN_EXPIRED', id: 'm' });
    }
  });

  it('closes its connection when it comes more than a minute later still', async () => {
    for (const [n, late] of around(120_000).entries()) {
      const { send, closed } = await clientInMemory({ tokenExpires: epochSeconds(ENDS) });
      expect(await send({ type: 'ping' }, ENDS * 1000 + late)).toMatchObject([{ code: 'TOKEN_EXPIRED' }]);
      expect(closed()).toBe(n < 2 ? 0 : 1);
    }
  });
});
