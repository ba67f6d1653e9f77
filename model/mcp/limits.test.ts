import { expect, it } from 'vitest';
import { around } from '../../test/support/text.ts';
import { mcpToolName, serverOf } from './definition.ts';
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

it('a tool that does not fit leaves its room to the next ones, and is named', () => {
  const tools = ['x'.repeat(500), 'é', ''].map((description, n) => ({
    name: `t${n}`,
    description,
    inputSchema: {},
  }));
  expect(fitting(tools, { maxTools: 2, maxBytes: 200 })).toEqual({ offered: tools.slice(1), left: ['t0'] });
  expect(fitting(tools, { maxTools: 1, maxBytes: 2000 })).toEqual({
    offered: tools.slice(0, 1),
    left: ['t1', 't2'],
  });
});

it('a name that no provider takes is 64 characters long at most, its digest among them, and the server’s name stays', () => {
  for (const [server, tool, length] of [
    ['books', 'é', 16],
    ['books', `${'a'.repeat(48)}.`, 64],
    ['books', `${'a'.repeat(49)}.`, 64],
    ['books', 'a'.repeat(59), 64],
    ['b'.repeat(32), '😀'.repeat(60), 64],
  ] as const) {
    const name = mcpToolName(server, tool);
    expect(name).toMatch(new RegExp(`^${server}_[A-Za-z0-9_-]*_[0-9a-f]{8}$`));
    expect([name.length, serverOf(name)]).toEqual([length, server]);
  }
  expect(['books', '_books', '', 'books_'].map(serverOf)).toEqual(['', '', '', 'books']);
});
