import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { WAIT_MS } from '../../test/support/timeouts.ts';
import { lineOf, runChecks } from './check.ts';
import { conversationChecks } from './conversation.ts';

type Frame = Record<string, unknown> & { type: string };
/** What is sent in the place of a frame. */
type Change = (frame: Frame) => Frame[];

const servers: WebSocketServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface Deployment {
  change?: Change;
  /** What a handshake is refused with, by its token. */
  refusal?: (token: string | undefined) => number | undefined;
}

const STRANGERS = (token = '') => (token.startsWith('wrong-') ? 401 : undefined);

/** The findings about a deployment whose answers are these, but for what is changed of them: `ok steering`, or a whole line. */
async function findings(
  { change = (frame) => [frame], refusal = STRANGERS }: Deployment = {},
  { token = 'open-sesame', all = true }: { token?: string; all?: boolean } = {},
): Promise<Map<string, string>> {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    verifyClient: ({ req: { headers } }, answer) => {
      const status = refusal(headers.authorization?.replace('Bearer ', ''));
      answer(status === undefined, status);
    },
  });
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  let seq = 0;
  let turns = 0;
  let turn = '';
  let text = '';
  server.on('connection', (socket: WebSocket) => {
    const say = (frame: Frame) => {
      for (const one of change(frame)) socket.send(JSON.stringify(one));
    };
    const event = (type: string, more: object = {}) => say({ type, seq: ++seq, turn_id: turn, ...more });
    const chunk = (content: string) => {
      text += content;
      event('chunk', { content });
    };
    const end = (type = 'done') => event(type, { full_response: text });
    const open = (id: unknown, first: string) => {
      [turn, text] = [`t${++turns}`, ''];
      say({ type: 'accepted', id, turn_id: turn, placement: 'opened' });
      event('applied', { messages: [{ id }] });
      chunk(first);
    };
    socket.on('message', (data) => {
      const { type, id, content = '', resume } = JSON.parse(String(data));
      if (type === 'connect') {
        say({ type: 'session_start', lane: 'l' });
        say({ type: 'connected' });
        if (!resume) return;
        chunk(' again');
        end();
      } else if (type === 'abort') end('aborted');
      else if (type === 'delete') say({ type: 'deleted' });
      else if (content.startsWith('And')) {
        say({ type: 'accepted', id, turn_id: turn, placement: 'steering' });
        event('applied', { messages: [{ id }] });
        chunk(' And lighthouses.');
        end();
      } else {
        open(id, 'The sea.');
        if (content.startsWith('Thank')) end();
      }
    });
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/prod`;
  const { short, full, close } = conversationChecks({ url, token, timeoutMs: WAIT_MS });
  const found = await runChecks(all ? [...short, ...full] : short, () => {});
  await close();
  return new Map(found.map((finding) => [finding.name, lineOf(finding)]));
}

const NAMES = [
  ...['handshake', 'first message', 'model', 'steering'],
  ...['refusal', 'second message', 'resume', 'abort', 'deletion'],
];
const outcomes = (found: Map<string, string>) =>
  [...found].flatMap(([name, line]) => (line.startsWith('ok ') ? [] : [name]));

it('a deployment that answers as it should passes every check', async () => {
  const found = await findings();
  expect([...found.keys()]).toEqual(NAMES);
  expect(outcomes(found)).toEqual([]);
  expect(found.get('steering')).toContain('is applied; 25 characters were answered.');
});

/** Changes the nth frame of a type. */
const nth = (type: string, n: number, to: (frame: Frame) => Frame[]): Change => {
  let seen = 0;
  return (frame) => (frame.type === type && ++seen === n ? to(frame) : [frame]);
};
const error = (more: object = {}): Frame => ({
  type: 'error',
  code: 'INVALID_FRAME',
  message: 'No.',
  ...more,
});

describe('what a deployment does wrong is found by its check:', () => {
  it.each<[string, string, Change, RegExp]>([
    [
      'a message that is refused',
      'first message',
      nth('accepted', 1, () => [error()]),
      /The message was refused: INVALID_FRAME\. No\./,
    ],
    [
      'a turn that fails before its first word',
      'model',
      nth('chunk', 1, ({ turn_id }) => [
        error({
          terminal: true,
          seq: 2,
          turn_id,
          full_response: '',
          code: 'PROVIDER_ERROR',
          reason: 'quota',
        }),
      ]),
      /The turn failed: PROVIDER_ERROR \(quota\)\. Likely, the account at the provider has no credit/,
    ],
    [
      'a turn that fails for a reason that nobody knows',
      'model',
      nth('chunk', 1, ({ turn_id }) => [error({ terminal: true, seq: 2, turn_id, full_response: '' })]),
      /The turn failed: INVALID_FRAME\. No\./,
    ],
    [
      'a message in mid-answer that opens a turn',
      'steering',
      nth('accepted', 2, (frame) => [{ ...frame, turn_id: 'other' }]),
      /was not accepted as steering/,
    ],
    [
      'a message in mid-answer that is not applied',
      'steering',
      nth('applied', 2, (frame) => [{ ...frame, messages: [] }]),
      /A steering message was accepted and not applied/,
    ],
    [
      'an answer without a word',
      'second message',
      nth('done', 2, (frame) => [{ ...frame, full_response: '' }]),
      /The second turn has no text/,
    ],
    ['an event that is lost', 'resume', nth('chunk', 5, () => []), /events are missing or come twice/],
    [
      'an event that comes twice',
      'resume',
      nth('chunk', 5, (frame) => [frame, frame]),
      /events are missing or come twice/,
    ],
    [
      'other words after a reconnect',
      'resume',
      nth('chunk', 5, (frame) => [{ ...frame, content: ' anew' }]),
      /After a reconnect, the answer has other words/,
    ],
    ['an answer that goes on', 'abort', nth('aborted', 1, () => [error()]), /could not be stopped/],
    [
      'a session that stays',
      'deletion',
      nth('deleted', 1, () => [error()]),
      /The session could not be deleted/,
    ],
  ])('%s', async (_, check, change, line) => {
    const found = await findings({ change });
    expect(found.get(check)).toMatch(/^failed /);
    expect(found.get(check)).toMatch(line);
    const before = NAMES.slice(0, NAMES.indexOf(check));
    expect(outcomes(found).filter((name) => before.includes(name))).toEqual([]);
  });

  it('a wrong token that is let in', async () => {
    const found = await findings({ refusal: () => undefined });
    expect(outcomes(found)).toEqual(['refusal']);
    expect(found.get('refusal')).toMatch(/^failed .* A wrong token is accepted: everybody may connect\./);
  });

  it('a wrong token that cannot be judged', async () => {
    const found = await findings({ refusal: (token) => STRANGERS(token) && 500 });
    expect(found.get('refusal')).toMatch(/^failed .* was refused with 500: a secret or the issuer’s keys/);
  });
});

describe('what cannot be told is no fault:', () => {
  it.each<[string, string, Change, RegExp]>([
    [
      'an answer that was over before it could be steered',
      'steering',
      (frame) => {
        const { turn_id, id, type } = frame;
        const done = (turn: unknown) => ({ type: 'done', seq: 3, turn_id: turn, full_response: 'The sea.' });
        if (type === 'chunk' && turn_id === 't1' && frame.content === 'The sea.') return [frame, done('t1')];
        if (type === 'accepted' && frame.placement === 'steering')
          return [{ type, id, turn_id: 'own', placement: 'opened' }, done('own')];
        return [frame];
      },
      /the answer was over before the second message arrived/,
    ],
    [
      'an answer that was over before it could be stopped',
      'abort',
      nth('aborted', 1, (frame) => [{ ...frame, type: 'done' }]),
      /the answer was over before it could be stopped/,
    ],
    [
      'a turn that ended without a text',
      'model',
      nth('chunk', 1, ({ turn_id }) => [{ type: 'done', seq: 2, turn_id, full_response: '' }]),
      /the turn ended without a text/,
    ],
  ])('%s', async (_, check, change, line) => {
    const found = await findings({ change });
    expect(found.get(check)).toMatch(/^not checked /);
    expect(found.get(check)).toMatch(line);
  });

  it('whether a token is demanded, where none was given', async () => {
    const found = await findings({ refusal: () => undefined }, { token: '' });
    expect(outcomes(found)).toEqual(['refusal']);
    expect(found.get('refusal')).toMatch(/^not checked .* no token was given/);
  });
});

it('a refusal of another message is nobody’s of this one, and a deletion withdraws what waits', async () => {
  const found = await findings({
    change: (frame) =>
      frame.type === 'accepted' || frame.type === 'deleted' ? [error({ id: 'of another' }), frame] : [frame],
  });
  expect(outcomes(found)).toEqual([]);
});

it.each([
  [429, 'token', /refused with 429: too many of this principal\./],
  [500, 'token', /refused with 500: a secret or the issuer’s keys cannot be read, or a function fails\./],
  [503, 'token', /refused with 503: a secret or the issuer’s keys/],
  [401, 'token', /refused with 401: the token is not one of this deployment\./],
  [403, '', /refused with 403: MIDTURN_TOKEN is not set\./],
])('a handshake that is refused with %d, with the token "%s"', async (status, token, line) => {
  const found = await findings({ refusal: () => status }, { token, all: false });
  expect(found.get('handshake')).toMatch(line);
  expect([...found.values()].map((text) => text.slice(0, 6))).toEqual([
    'failed',
    'not ch',
    'not ch',
    'not ch',
  ]);
});
