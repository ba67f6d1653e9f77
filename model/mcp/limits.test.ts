import { expect, it } from 'vitest';
import { around } from '../../test/support/text.ts';
import { fitting, withinBytes } from './limits.ts';

it.each(around(900))(
  'of an answer of %i bytes, as many as the limit are read: 900, in pieces of any size',
  async (size) => {
    for (const piece of [1, 7, 900, 1000]) {
      const bytes = new TextEncoder().encode('€'.repeat(400)).slice(0, size);
      const pieces = Array.from({ length: Math.ceil(size / piece) }, (_, i) =>
        bytes.slice(i * piece, (i + 1) * piece),
      );
      const errors: Error[] = [];
      const answering = async () => new Response(ReadableStream.from(pieces) as ReadableStream<Uint8Array>);
      const answer = await withinBytes(answering, 900, (error) => errors.push(error))('http://books.test');
      const read = answer.arrayBuffer();
      if (size <= 900) expect((await read).byteLength).toBe(size);
      else await expect(read).rejects.toThrow('more than 900 bytes');
      expect(errors).toHaveLength(size <= 900 ? 0 : 1);
    }
  },
);

it.each(['x', '€', '😀'])(
  'tools with descriptions of %j are offered while their text fits, to the byte',
  (character) => {
    const tools = ['one', 'two'].map((name) => ({
      name,
      description: character.repeat(50),
      inputSchema: {},
    }));
    const sum = tools.reduce((bytes, tool) => bytes + Buffer.byteLength(JSON.stringify(tool)), 0);
    const offered = (maxBytes: number) => fitting(tools, { maxTools: 9, maxBytes }).offered.length;
    expect(around(sum).map(offered)).toEqual([1, 2, 2]);
  },
);
