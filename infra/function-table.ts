import { Duration } from 'aws-cdk-lib/core';
import type { FunctionName } from '../config/function-names.ts';
import { SESSION_SETTINGS } from '../config/settings/sessions.ts';
import type { FlagSetting } from '../config/settings/setting.ts';
import type { QueueName } from './queues.ts';

/**
 * Every function, and what it uses. Its role and its environment are made from this table, and from the settings that name
 * the function (config/function-settings.ts). A function can use nothing else.
 */
export interface FunctionSpec {
  description: string;
  memoryMb: number;
  /** `turn`: as MIDTURN_TURN_TIMEOUT_SECONDS says. */
  timeout: Duration | 'turn';
  /** Its DynamoDB actions on the table. */
  table: readonly TableAction[];
  /** What it does with files: also that for which it signs an address. */
  files: readonly FileAction[];
  /** Queues to which it sends messages. */
  sends: readonly QueueName[];
  /** A queue to which it sends messages where the flag is set. */
  sendsIf?: { queue: QueueName; flag: FlagSetting };
  /** The queue whose messages invoke it. */
  consumes?: QueueName;
  /** The queue that takes asynchronous events which it could not handle. Lambda sends them in the name of its role. */
  deadLetters?: QueueName;
  /** Whether it extends the visibility time-out of its message while it works. */
  holdsMessage?: boolean;
  /** What it does to connections of this API and stage: `POST` sends a frame, `DELETE` closes one that cannot be posted to. */
  connections: readonly ConnectionMethod[];
  /** Whether it calls models, and so may invoke those that Bedrock provides. */
  callsModel: boolean;
  /** Whether it sends spans, and so X-Ray may record its requests where tracing is on. */
  spans: boolean;
}

export type ConnectionMethod = 'POST' | 'DELETE';
type FileAction = 'GetObject' | 'PutObject' | 'DeleteObject';
type TableAction = 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Query';

const READ_AND_WRITE = ['GetItem', 'PutItem', 'UpdateItem'] as const;

export const FUNCTIONS: Readonly<Record<FunctionName, FunctionSpec>> = {
  authorizer: {
    description: 'Checks who connects.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    table: [],
    files: [],
    sends: [],
    connections: [],
    callsModel: false,
    // Strangers invoke these two, with tracing headers of their own.
    spans: false,
  },
  connection: {
    description: 'Handles connections that open and close.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    table: [...READ_AND_WRITE, 'DeleteItem'],
    files: [],
    // Wakes the turn function when it starts itself.
    sends: ['turn'],
    sendsIf: { queue: 'deadline', flag: SESSION_SETTINGS.greetSilent },
    connections: [],
    callsModel: false,
    spans: false,
  },
  inbound: {
    description: 'Handles frames from clients.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    // Deletes lanes: a deleted session is closed before the deletion is answered.
    table: [...READ_AND_WRITE, 'DeleteItem', 'Query'],
    files: ['GetObject', 'PutObject'],
    sends: ['turn', 'deadline'],
    connections: ['POST', 'DELETE'],
    callsModel: false,
    spans: true,
  },
  turn: {
    description: 'Runs the turns of a session, one at a time.',
    memoryMb: 512,
    timeout: 'turn',
    // Deletes the content of messages that it has applied.
    table: [...READ_AND_WRITE, 'DeleteItem', 'Query'],
    files: ['GetObject', 'PutObject'],
    // A message that is no turn job goes to the dead letters at once: otherwise it would block its session for a thousand
    // receives.
    sends: ['turn', 'deadTurn', 'deadline'],
    consumes: 'turn',
    holdsMessage: true,
    connections: ['POST', 'DELETE'],
    callsModel: true,
    spans: true,
  },
  deadline: {
    description:
      'Ends turns that waited too long, removes deleted sessions, and goes on with long replays and forks.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    table: [...READ_AND_WRITE, 'DeleteItem', 'Query'],
    // Copies the files of a fork.
    files: ['GetObject', 'PutObject', 'DeleteObject'],
    sends: ['deadline'],
    consumes: 'deadline',
    connections: ['POST', 'DELETE'],
    callsModel: false,
    spans: true,
  },
  redrive: {
    description: 'Sends dead-lettered turn jobs again.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    table: [],
    files: [],
    sends: ['turn'],
    consumes: 'deadTurn',
    connections: [],
    callsModel: false,
    spans: false,
  },
  send: {
    description: 'Takes messages that the application sends to sessions.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    // Deletes the content of a message that it refuses.
    table: [...READ_AND_WRITE, 'DeleteItem'],
    files: [],
    sends: ['turn', 'deadline'],
    deadLetters: 'deadSend',
    // Reports outcomes that dead functions left in a full queue.
    connections: ['POST', 'DELETE'],
    callsModel: false,
    spans: true,
  },
  http: {
    description: 'Answers requests of the HTTP API.',
    memoryMb: 256,
    timeout: Duration.seconds(10),
    // As for frames: deletes the content of messages that it refuses, and the lanes of a session that it deletes.
    table: [...READ_AND_WRITE, 'DeleteItem', 'Query'],
    // The first bytes of what a message names.
    files: ['GetObject'],
    sends: ['turn', 'deadline'],
    // Tells the connections of a session that it deletes.
    connections: ['POST', 'DELETE'],
    callsModel: false,
    spans: true,
  },
};
