import { Duration } from 'aws-cdk-lib/core';
import type { QueueName } from './queues.ts';
import type { FunctionSetting } from './settings.ts';

/**
 * Every function, and everything that it may do. Roles and environments are made from this table and from nothing
 * else, so what is not here a function can neither reach nor know.
 */
export interface FunctionSpec {
  description: string;
  memoryMb: number;
  /** `turn`: the setting MIDTURN_TURN_TIMEOUT_SECONDS. */
  timeout: Duration | 'turn';
  /** DynamoDB actions on the table. */
  table: readonly TableAction[];
  /** Queues that it sends to. */
  sends: readonly QueueName[];
  /** The queue whose messages it is invoked with. */
  consumes?: QueueName;
  /** Whether it moves the visibility of the message that it holds. */
  holdsMessage?: boolean;
  /** What it does to connections of this API and stage: `POST` a frame, `DELETE` one that cannot keep up. */
  connections: readonly ConnectionMethod[];
  /** Whether it calls the model, and so may invoke it or read its key, and those of the agent's MCP servers. */
  callsModel: boolean;
  /** Whether it proves who connects, and so may read the tokens. */
  authorizes?: boolean;
  /** Settings that it reads, where they were chosen. */
  settings: readonly FunctionSetting[];
}

export type ConnectionMethod = 'POST' | 'DELETE';
type TableAction = 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Query';
export type FunctionName = 'authorizer' | 'connection' | 'inbound' | 'turn' | 'deadline' | 'redrive';

const READ_AND_WRITE = ['GetItem', 'PutItem', 'UpdateItem'] as const;

const LOG_SETTINGS = ['MIDTURN_LOG_LEVEL'] as const;

const LANE_SETTINGS = [
  ...LOG_SETTINGS,
  'MIDTURN_INBOX_LIMIT',
  'MIDTURN_INBOX_BYTES',
  'MIDTURN_SESSION_QUEUE_LIMIT',
  'MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS',
  'MIDTURN_RETENTION_DAYS',
  'MIDTURN_EVENT_RETENTION_HOURS',
] as const;

export const FUNCTIONS: Readonly<Record<FunctionName, FunctionSpec>> = {
  authorizer: {
    description: 'Proves who connects.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    table: [],
    sends: [],
    connections: [],
    callsModel: false,
    authorizes: true,
    settings: [
      ...LOG_SETTINGS,
      'MIDTURN_AUTH',
      'MIDTURN_JWT_ISSUER',
      'MIDTURN_JWT_AUDIENCE',
      'MIDTURN_JWT_JWKS_URI',
      'MIDTURN_JWT_TENANT_CLAIM',
      'MIDTURN_TOKENS',
      'MIDTURN_TOKENS_SECRET',
    ],
  },
  connection: {
    description: 'Connections that come and go.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    table: [...READ_AND_WRITE, 'DeleteItem'],
    sends: [],
    connections: [],
    callsModel: false,
    settings: [...LANE_SETTINGS, 'MIDTURN_CONNECTIONS_PER_MINUTE'],
  },
  inbound: {
    description: 'Frames that clients send.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    // Deletes lanes: a session that is deleted is closed before that is answered.
    table: [...READ_AND_WRITE, 'DeleteItem', 'Query'],
    sends: ['turn', 'deadline'],
    connections: ['POST'],
    callsModel: false,
    settings: [...LANE_SETTINGS, 'MIDTURN_FRAMES_PER_MINUTE', 'MIDTURN_STEER_SCOPE'],
  },
  turn: {
    description: 'Runs the turns of a session, one at a time.',
    memoryMb: 512,
    timeout: 'turn',
    table: [...READ_AND_WRITE, 'Query'],
    // Dead letters: what is no token is put aside at once, since it would hold up its session for a thousand receives.
    sends: ['turn', 'deadTurn'],
    consumes: 'turn',
    holdsMessage: true,
    connections: ['POST', 'DELETE'],
    callsModel: true,
    settings: [
      ...LANE_SETTINGS,
      'MIDTURN_MAX_STEPS',
      'MIDTURN_FLUSH_MS',
      'MIDTURN_MODEL_STALL_SECONDS',
      'MIDTURN_CONTEXT_TOKENS',
      'MIDTURN_APPROVAL_TIMEOUT_SECONDS',
      'MIDTURN_APPROVAL_HOLD_SECONDS',
      'MIDTURN_RESPONSE_CACHE',
      'MIDTURN_RESPONSE_CACHE_HOURS',
      'MIDTURN_TURN_TIMEOUT_SECONDS',
      'MIDTURN_VISIBILITY_SECONDS',
      'MIDTURN_MODEL',
      'MIDTURN_MODEL_BASE_URL',
      'MIDTURN_MODEL_API_KEY',
      'MIDTURN_MODEL_API_KEY_SECRET',
      'MIDTURN_FALLBACK_MODEL',
      'MIDTURN_FALLBACK_MODEL_BASE_URL',
      'MIDTURN_FALLBACK_MODEL_API_KEY',
      'MIDTURN_FALLBACK_MODEL_API_KEY_SECRET',
      'MIDTURN_MCP_URLS',
      'MIDTURN_MCP_TOKENS',
      'MIDTURN_MCP_TOKENS_SECRET',
    ],
  },
  deadline: {
    description: 'Tells a waiting turn that its time is up, and removes what is left of deleted sessions.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    table: [...READ_AND_WRITE, 'DeleteItem', 'Query'],
    sends: ['deadline'],
    consumes: 'deadline',
    connections: ['POST'],
    callsModel: false,
    settings: LANE_SETTINGS,
  },
  redrive: {
    description: 'Sends dead-lettered turn tokens again.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    table: [],
    sends: ['turn'],
    consumes: 'deadTurn',
    connections: [],
    callsModel: false,
    settings: LOG_SETTINGS,
  },
};
