import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CONTENT_BYTES } from '../protocol/limits.ts';
import { around, brokenText, textOfBytes } from '../test/support/text.ts';
import { contentBytes, DEFAULT_CONTENT_BYTES, isBlank, textOf } from './content.ts';
import type { Content } from './protocol.ts';
import { givenChat } from './testing/given-chat.ts';

it("counts the bytes of content's JSON encoding", () => {
  fc.assert(
    fc.property(brokenText(), (content) => {
      expect(contentBytes(content)).toBe(Buffer.byteLength(JSON.stringify(content)));
    }),
  );
  const lone = 'a\ud800b';
  expect(contentBytes(lone)).toBe(Buffer.byteLength(JSON.stringify(lone)));
});

describe('what is longer than the server takes is not sent, by the bytes of its JSON', () => {
  /** Whether a text with so many bytes as JSON is refused here. */
  const isRefused = ({ chat }: ReturnType<typeof givenChat>, bytes: number, unit = '€') => {
    const before = chat.transcript.getSnapshot().pending.length;
    try {
      chat.send(textOfBytes(bytes - 2, unit));
    } catch (error) {
      expect(error).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
      expect(chat.transcript.getSnapshot().pending).toHaveLength(before);
      return true;
    }
    return false;
  };

  it("the server's own limit is assumed until it tells another", async () => {
    const given = givenChat();
    expect(DEFAULT_CONTENT_BYTES).toBe(MAX_CONTENT_BYTES);
    expect(around(MAX_CONTENT_BYTES).map((bytes) => isRefused(given, bytes))).toEqual([false, false, true]);
    const { limits } = given.story.sessionStart('lane-1');
    if (!limits) throw new Error('no limits');
    await given.open('lane-1', { limits: { ...limits, content_bytes: 100 } });
    for (const unit of ['x', 'é', '€', '😀'])
      expect(around(100).map((bytes) => isRefused(given, bytes, unit))).toEqual([false, false, true]);
    await given.open('lane-1', { limits: { ...limits, content_bytes: 2 * MAX_CONTENT_BYTES } });
    expect(around(2 * MAX_CONTENT_BYTES).map((bytes) => isRefused(given, bytes))).toEqual([
      false,
      false,
      true,
    ]);
  });
});

const image = { type: 'image', url: 'https://a.test/b.png' } as const;

it.each<[Content, string, boolean]>([
  [' a ', ' a ', false],
  [' \n', ' \n', true],
  [[{ type: 'text', text: 'a' }, image, { type: 'text', text: 'b' }], 'a\nb', false],
  [[image], '', false],
  [[{ type: 'text', text: ' ' }], ' ', true],
])('%j has the words %j; nothing to send: %j', (content, text, blank) => {
  expect(textOf(content)).toBe(text);
  expect(isBlank(content)).toBe(blank);
  expect(contentBytes(content)).toBe(Buffer.byteLength(JSON.stringify(content)));
});
