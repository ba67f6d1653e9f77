import { afterEach, expect, test } from 'vitest';
import { createGate, type ModelServer, type Script, startModelServer } from './model-server.ts';

let server: ModelServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(script: Script) {
  server = await startModelServer(script);
  const { baseUrl } = server;
  const ask = (content: string, signal?: AbortSignal) =>
    fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content }] }),
      ...(signal && { signal }),
    });
  return { server, ask };
}

test('answers model calls in the order of the script, and records what was asked', async () => {
  const { server, ask } = await start([{ chunks: ['one'] }, { chunks: ['two'] }]);
  expect(await (await ask('a')).text()).toContain('"content":"one"');
  expect(await (await ask('b')).text()).toMatch(/"content":"two"[\s\S]*data: \[DONE\]\n\n$/);
  expect(server.requests.map(({ body }) => body.messages.at(-1)?.content)).toEqual(['a', 'b']);
  expect(await server.requests[1]?.ended).toBe('answered');
});

test('says so when the script has come to its end', async () => {
  const { ask } = await start([]);
  const response = await ask('a');
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({
    error: { message: 'The script has no reply for model call 1.' },
  });
});

test('takes its reply from a function of the request', async () => {
  const { ask } = await start(({ messages }, index) => ({ chunks: [`${index}:${messages.length}`] }));
  await (await ask('a')).text();
  expect(await (await ask('b')).text()).toContain('"content":"1:1"');
});

test('holds the stream open at a gate until the test opens it', async () => {
  const gate = createGate();
  const { ask, server } = await start([{ chunks: ['one', gate, 'two'] }]);
  const response = await ask('a');
  await gate.reached;
  expect(server.requests[0]?.outcome).toBe('open');
  gate.open();
  expect(await response.text()).toContain('"content":"two"');
});

test('tells a call that the client aborted from one that the script cut', async () => {
  const { ask, server } = await start([{ hang: true }, { chunks: ['a', 'b'], cutAfter: 1 }]);
  const controller = new AbortController();
  await ask('a', controller.signal);
  controller.abort();
  expect(await (await server.waitForRequest(1)).ended).toBe('aborted');

  const response = await ask('b');
  await expect(response.text()).rejects.toThrow();
  expect(await server.requests[1]?.ended).toBe('cut');
});

test('lets a test wait for a call that is still to come', async () => {
  const { ask, server } = await start([{ chunks: ['one'] }]);
  const coming = server.waitForRequest(1);
  await (await ask('a')).text();
  expect((await coming).body.model).toBe('m');
});
