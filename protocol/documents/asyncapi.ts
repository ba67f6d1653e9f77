import { SUBPROTOCOLS } from '../limits.ts';
import type { Example } from './examples.ts';
import type { DocumentedFrame } from './json-schema.ts';

const ref = (path: string) => ({ $ref: `#/${path}` });

/** The AsyncAPI document from the server's point of view: it receives client frames, and sends events and replies. */
export function asyncapiDocument(
  frames: readonly DocumentedFrame[],
  examplesOf: (frame: DocumentedFrame) => readonly Example[],
): object {
  const named = (kind: DocumentedFrame['kind']) => frames.filter((frame) => frame.kind === kind);
  const messages = (kind: DocumentedFrame['kind']) =>
    named(kind).map(({ name }) => ref(`channels/session/messages/${name}`));
  const operation = (action: 'send' | 'receive', kind: DocumentedFrame['kind'], summary: string) => ({
    action,
    channel: ref('channels/session'),
    summary,
    messages: messages(kind),
  });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Midturn',
      version: '1.0.0',
      description:
        'The wire protocol `midturn.v1`: JSON text frames over one WebSocket per client. The specification is `docs/protocol.md`: it has the rules that a schema cannot express, such as order, numbering and resume.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      aws: {
        host: '{api}.execute-api.{region}.amazonaws.com',
        pathname: '/{stage}',
        protocol: 'wss',
        description: 'A deployment: an API Gateway WebSocket API.',
        variables: {
          api: { description: 'The id of the API.' },
          region: { default: 'us-east-1' },
          stage: { default: 'prod' },
        },
        security: [ref('components/securitySchemes/bearer'), ref('components/securitySchemes/token')],
      },
      local: {
        host: '127.0.0.1:8787',
        pathname: '/local',
        protocol: 'ws',
        description: 'The local cloud, `npm start`.',
      },
    },
    channels: {
      session: {
        address: '/',
        title: 'A connection to a session',
        description: `One WebSocket. The server selects the subprotocol ${SUBPROTOCOLS.join(' or ')} if the client offers it.`,
        messages: Object.fromEntries(frames.map(({ name }) => [name, ref(`components/messages/${name}`)])),
        bindings: {
          ws: {
            method: 'GET',
            query: {
              type: 'object',
              properties: {
                session_id: {
                  type: 'string',
                  description: 'The session. Without it the server generates an id.',
                },
                name: { type: 'string', description: 'The name of a session that has none yet.' },
                token: { type: 'string', description: 'The token, for a client that cannot set a header.' },
              },
            },
            headers: {
              type: 'object',
              properties: {
                Authorization: {
                  type: 'string',
                  description: '`Bearer` and a token. It takes precedence over the other two places.',
                },
                'Sec-WebSocket-Protocol': {
                  type: 'string',
                  description:
                    'Subprotocols. An entry `bearer.<token>`, or `bearer64.<token in base64url>`, has the token.',
                },
              },
            },
          },
        },
      },
    },
    operations: {
      receiveFrame: operation('receive', 'client', 'A frame that a client sends.'),
      sendEvent: operation(
        'send',
        'event',
        'What happens in the session: numbered, durable, replayed on resume.',
      ),
      sendReply: operation(
        'send',
        'reply',
        'The answer to a frame of this connection, or the outcome of a message. Never replayed.',
      ),
    },
    components: {
      messages: Object.fromEntries(
        frames.map((frame) => {
          const { name, type, summary, schema } = frame;
          const examples = examplesOf(frame).map(({ scene, frame: payload }) => ({ name: scene, payload }));
          return [
            name,
            {
              name: type,
              title: name,
              summary,
              payload: schema,
              ...(examples.length > 0 && { examples }),
            },
          ];
        }),
      ),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        token: { type: 'httpApiKey', in: 'query', name: 'token' },
      },
    },
  };
}
