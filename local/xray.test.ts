import { createSocket } from 'node:dgram';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startTraces } from './xray.ts';

async function given() {
  const traces = await startTraces();
  onTestFinished(() => traces.close());
  return traces;
}

// "Tracing header", AWS X-Ray developer guide.
it('a request is sampled while somebody listens, in a trace of its own that begins now', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_465_510_280_999 });
  onTestFinished(() => void vi.useRealTimers());
  const traces = await given();
  expect(traces.header()).toBeUndefined();
  const stops = [traces.listen(() => {}), traces.listen(() => {})];
  const headers = [traces.header(), traces.header()];
  for (const header of headers)
    expect(header).toMatch(/^Root=1-5759e988-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1$/);
  expect(headers[0]).not.toBe(headers[1]);
  stops[0]?.();
  expect(traces.header()).toBeDefined();
  stops[1]?.();
  expect(traces.header()).toBeUndefined();
});

it('each listener is given what the daemon is sent, until it stops', async () => {
  const traces = await given();
  const [host = '', port] = traces.daemon.split(':');
  const heard: [string, string][] = [];
  const stop = traces.listen((datagram) => heard.push(['one', String(datagram)]));
  traces.listen((datagram) => heard.push(['two', String(datagram)]));
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.send('é', Number(port), host);
  await expect
    .poll(() => heard)
    .toEqual([
      ['one', 'é'],
      ['two', 'é'],
    ]);
  stop();
  socket.send('x', Number(port), host);
  await expect.poll(() => heard.slice(2)).toEqual([['two', 'x']]);
});
