import type { Case } from '../case.ts';
import { accepted, answer, begun, chunk, cutNow, DONE, events, OPEN, say, upTo } from './scene.ts';

const WHOLE = [accepted('a'), ...events(...begun('a', 'Hello'), chunk('Hi.'), DONE)];

export const HANDSHAKE: readonly Case[] = [
  {
    name: 'handshake-turn',
    promise: 'P3 P9',
    points: ['4.2.1', '5.3.4'],
    says: 'the client connects, sends a message and hands on the events of its turn',
    steps: [
      OPEN,
      ...say('a', 'Hello'),
      { post: WHOLE },
      { see: { events: upTo(4), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'handshake-waits-for-start',
    promise: 'P1',
    points: ['7.1.6'],
    says: 'a message that is written before `session_start` came waits for it',
    steps: [
      answer({ hold: true }),
      OPEN,
      { expect: { type: 'connect' } },
      { tell: { do: 'send', name: 'a', content: 'Hello' } },
      { quiet: 'message', ms: 400 },
      { release: 'connect' },
      { expect: { type: 'message', content: 'Hello' } },
      { post: WHOLE },
      { see: { events: upTo(4), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'handshake-token',
    promise: 'wire',
    points: ['4.1.6', '4.1.8'],
    says: 'the token comes in one of the four places',
    steps: [
      { tell: { do: 'open', url: '', session: 'kit', tokens: ['eyJhbGciOiJub25lIn0.e30.x_-'] } },
      { expect: { type: 'connect' } },
      { token: 'eyJhbGciOiJub25lIn0.e30.x_-' },
    ],
  },
  {
    name: 'handshake-odd-token',
    promise: 'wire',
    points: ['4.1.10'],
    says: 'a token with characters that no subprotocol can have arrives as it is',
    steps: [
      { tell: { do: 'open', url: '', session: 'kit', tokens: ['a/b+c==,d e'] } },
      { expect: { type: 'connect' } },
      { token: 'a/b+c==,d e' },
    ],
  },
  {
    name: 'handshake-token-expires',
    promise: 'P1 P10',
    points: ['4.4.4'],
    says: 'after `TOKEN_EXPIRED` the client connects with a new token, and sends the refused frame again',
    steps: [
      { tell: { do: 'open', url: '', session: 'kit', tokens: ['first', 'second'] } },
      ...say('a', 'Hello'),
      {
        post: [
          {
            reply: {
              type: 'error',
              code: 'TOKEN_EXPIRED',
              message: 'No.',
              terminal: false,
              retryable: true,
              id: '$a',
            },
          },
        ],
      },
      { token: 'second' },
      { expect: { type: 'message', id: '$a' } },
      { post: WHOLE },
      { see: { events: upTo(4), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'handshake-refused',
    promise: 'P1',
    points: ['11.2.1'],
    says: 'a handshake that is refused for now (503, then 429) is tried again',
    steps: [
      { refuseNext: [503, 429] },
      OPEN,
      ...say('a', 'Hello'),
      { post: WHOLE },
      { see: { events: upTo(4) } },
    ],
  },
  {
    name: 'handshake-unknown-fields',
    promise: 'wire',
    points: ['3.1.3', '3.1.4', '3.1.7'],
    says: 'unknown fields, frames of unknown types and frames without a type are ignored',
    steps: [
      answer({ start: { x_unknown: { deep: [1] } } as object }),
      OPEN,
      ...say('a', 'Hello'),
      {
        post: [
          { reply: { type: 'x-mystery', of: 'the server' } },
          { text: '{"message":"Internal server error","connectionId":"c","requestId":"r"}' },
          accepted('a'),
          ...events(
            ...begun('a', 'Hello'),
            { ...chunk('Hi.'), x_unknown: null } as ReturnType<typeof chunk>,
            DONE,
          ),
        ],
      },
      { see: { events: upTo(4), messages: { a: 'applied' } } },
    ],
  },
  {
    name: 'handshake-limits',
    promise: 'wire',
    points: ['11.1.1'],
    says: 'the client keeps to the limits of `session_start`, not to the default ones',
    steps: [
      answer({
        start: {
          limits: {
            content_bytes: 40,
            inbox_messages: 64,
            inbox_bytes: 131_072,
            session_turns: 8,
            queue_timeout_seconds: 30,
            frame_bytes: 32_768,
          },
        },
      }),
      OPEN,
      ...say('a', 'Hello'),
      { post: WHOLE },
      { see: { events: upTo(4) } },
      {
        tell: { do: 'send', name: 'b', content: 'This has more than the forty bytes that the server takes.' },
      },
      { see: { messages: { a: 'applied', b: 'rejected' } } },
      { quiet: 'message', ms: 200 },
    ],
  },
  {
    name: 'handshake-too-many-connections',
    promise: 'wire',
    points: ['10.1.4'],
    says: 'a client whose connection is one too many does not connect again by itself',
    steps: [
      OPEN,
      ...say('a', 'Hello'),
      { post: WHOLE },
      { see: { events: upTo(4) } },
      {
        post: [
          {
            reply: {
              type: 'error',
              code: 'TOO_MANY_CONNECTIONS',
              message: 'No.',
              terminal: false,
              retryable: true,
              limit: 20,
            },
          },
        ],
      },
      { cut: 1000 },
      { quiet: 'connection', ms: 2500 },
    ],
  },
  {
    name: 'handshake-deleted',
    promise: 'wire',
    points: ['10.1.4'],
    says: 'a client whose session was deleted does not connect to it again',
    steps: [
      OPEN,
      ...say('a', 'Hello'),
      { post: WHOLE },
      { see: { events: upTo(4) } },
      {
        post: [
          {
            reply: {
              type: 'error',
              code: 'SESSION_DELETED',
              message: 'No.',
              terminal: false,
              retryable: false,
            },
          },
        ],
      },
      cutNow,
      { quiet: 'connection', ms: 2500 },
    ],
  },
];
