import { describe, expect, it } from 'vitest';
import { given } from './test-gateway.ts';

describe('CORS of an HTTP API', () => {
  const cors = {
    origins: ['https://a.example'],
    methods: ['GET'],
    headers: ['x-a'],
    exposed: ['x-b'],
    maxAgeSeconds: 60,
  };

  it('answers a preflight without the function, with headers for an origin of the list alone', async () => {
    const { ask, events } = await given({ api: { cors } });
    const preflight = (Origin: string) => ask('/api/things/a', { method: 'OPTIONS', headers: { Origin } });
    const allowed = await preflight('https://a.example');
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'https://a.example',
    ]);
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': 'x-a',
      'access-control-max-age': '60',
      vary: 'origin',
    });
    const other = await preflight('https://b.example');
    const nobody = await ask('/api/things/a', { method: 'OPTIONS' });
    for (const { status, headers } of [other, nobody]) {
      expect(status).toBe(204);
      expect([...headers.keys()].filter((name) => /^access-control|vary/.test(name))).toEqual([]);
    }
    expect(events).toEqual([]);
  });

  it('lets every origin in where the list says so', async () => {
    const { ask } = await given({ api: { cors: { ...cors, origins: ['*'], maxAgeSeconds: undefined } } });
    const { headers } = await ask('/api/things/a', {
      method: 'OPTIONS',
      headers: { Origin: 'https://b.example' },
    });
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.has('vary')).toBe(false);
    expect(headers.has('access-control-max-age')).toBe(false);
  });

  it('names methods and headers to a preflight alone, and what may be read to no preflight', async () => {
    const init = { headers: { Origin: 'https://a.example' } };
    const namesOf = async (exposed: readonly string[], method: string) => {
      const { ask } = await given({ api: { cors: { ...cors, exposed } } });
      const { headers } = await ask('/api/things/a', { ...init, method });
      return [...headers.keys()].filter((name) => /^access-control|vary/.test(name));
    };
    expect(await namesOf(['x-b'], 'GET')).toEqual([
      'access-control-allow-origin',
      'access-control-expose-headers',
      'vary',
    ]);
    expect(await namesOf([], 'GET')).toEqual(['access-control-allow-origin', 'vary']);
    expect(await namesOf(['x-b'], 'OPTIONS')).toEqual([
      'access-control-allow-headers',
      'access-control-allow-methods',
      'access-control-allow-origin',
      'access-control-max-age',
      'vary',
    ]);
  });

  it('is what the function says of it where the API says nothing', async () => {
    const headers = { 'Access-Control-Allow-Origin': 'https://c.example' };
    const { ask } = await given({ invoke: async () => ({ statusCode: 200, headers }) });
    const { headers: sent } = await ask('/api/things/a', { headers: { Origin: 'https://a.example' } });
    expect(sent.get('access-control-allow-origin')).toBe('https://c.example');
  });

  it('replaces what the function says of it', async () => {
    const headers = { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' };
    const { ask } = await given({ api: { cors }, invoke: async () => ({ statusCode: 200, headers }) });
    const { headers: sent } = await ask('/api/things/a', { headers: { Origin: 'https://a.example' } });
    expect(sent.get('access-control-allow-origin')).toBe('https://a.example');
    expect(sent.get('access-control-allow-credentials')).toBeNull();
    expect(sent.get('access-control-expose-headers')).toBe('x-b');
  });
});
