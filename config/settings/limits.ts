import { MAX_FILE_BYTES } from '../../protocol/limits.ts';
import type { Seconds } from '../units.ts';
import { AUTH_CHOICE } from './auth-choice.ts';
import { read } from './read.ts';
import type { Environment, SettingTable } from './setting.ts';

/** What sessions and principals may use, and how long it is kept. */

/** The functions that write to lanes. */
const LANES = ['connection', 'inbound', 'turn', 'deadline', 'send', 'http'] as const;

export const LIMIT_SETTINGS = {
  /** Messages that can wait in one lane. */
  inboxLimit: {
    name: 'MIDTURN_INBOX_LIMIT',
    kind: 'integer',
    unit: 'count',
    // With more, what a lane says of its messages does not fit into a DynamoDB item of 400 KB.
    range: [1, 128],
    default: 64,
    functions: LANES,
  },
  /** Bytes of content that can wait in one lane. */
  inboxBytes: {
    name: 'MIDTURN_INBOX_BYTES',
    kind: 'integer',
    unit: 'bytes',
    // A step reads all of it at once.
    range: [1024, 262_144],
    default: 131_072,
    functions: LANES,
  },
  /** Turns of one session that can wait, including the running one. */
  sessionQueueLimit: {
    name: 'MIDTURN_SESSION_QUEUE_LIMIT',
    kind: 'integer',
    unit: 'count',
    range: [1, 100],
    default: 8,
    functions: LANES,
  },
  /**
   * Turns of one principal, in all its sessions, that can run or wait. 0 is no limit. It must be less
   * than `MIDTURN_TURN_MAX_CONCURRENCY`, so that nobody takes every execution environment. With `MIDTURN_AUTH=none`, nobody is
   * counted.
   */
  principalTurns: {
    name: 'MIDTURN_PRINCIPAL_TURNS',
    kind: 'integer',
    unit: 'count',
    // Each turn's place is about 120 bytes of an item that every turn writes twice.
    range: [0, 100],
    default: 20,
    functions: LANES,
  },
  /**
   * The same for all principals of a tenant together. 0 is no limit. Each turn of the tenant then writes one item twice, which
   * takes at most 1,000 write units a second.
   */
  tenantTurns: {
    name: 'MIDTURN_TENANT_TURNS',
    kind: 'integer',
    unit: 'count',
    range: [0, 1000],
    default: 0,
    functions: LANES,
  },
  /** How long a turn can wait until it begins: for earlier turns of its session, and for an execution environment. */
  sessionQueueTimeoutSeconds: {
    name: 'MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS',
    kind: 'integer',
    unit: 'seconds',
    // SQS delays a message by at most 15 minutes.
    range: [1, 900],
    default: 30,
    functions: LANES,
  },
  /** Connections of one session. The oldest is closed when there is one more. */
  sessionConnections: {
    name: 'MIDTURN_SESSION_CONNECTIONS',
    kind: 'integer',
    unit: 'count',
    // A client that renews its connection has two for a moment. Each event is posted to all of them.
    range: [2, 200],
    default: 20,
    functions: LANES,
  },
  /**
   * Frames that one principal can send in a minute. 0 is no limit. With `MIDTURN_AUTH=none`, nobody is counted, or each
   * source address with `MIDTURN_OPEN_TO_ANYONE`. What the application sends to the principal is counted apart, with the same limit.
   */
  framesPerMinute: {
    name: 'MIDTURN_FRAMES_PER_MINUTE',
    kind: 'integer',
    unit: 'per minute',
    range: [0, 1_000_000],
    default: 1200,
    functions: ['inbound', 'send', 'http'],
  },
  /**
   * Bytes of one file that a client can upload to a session: images, PDFs, audio. 0: none, and the stack has no bucket for them.
   */
  fileBytes: {
    name: 'MIDTURN_FILE_BYTES',
    kind: 'integer',
    unit: 'bytes',
    range: [0, MAX_FILE_BYTES],
    default: MAX_FILE_BYTES,
    functions: ['inbound', 'turn'],
  },
  /**
   * Bytes of files that one principal can upload in a day (UTC), whether they come or not, with those that forks copy. Files that tools
   * make do not count. 0 is no limit. With `MIDTURN_AUTH=none`, nobody is counted, or
   * each source address with `MIDTURN_OPEN_TO_ANYONE`.
   */
  dayFileBytes: {
    name: 'MIDTURN_DAY_FILE_BYTES',
    kind: 'integer',
    unit: 'bytes',
    range: [0, 2 ** 40],
    default: 2 ** 30,
    functions: ['inbound'],
  },
  /**
   * Connections that one principal can open in a minute. 0 is no limit. With `MIDTURN_AUTH=none`, nobody is counted, or each
   * source address with `MIDTURN_OPEN_TO_ANYONE`.
   */
  connectionsPerMinute: {
    name: 'MIDTURN_CONNECTIONS_PER_MINUTE',
    kind: 'integer',
    unit: 'per minute',
    range: [0, 1_000_000],
    default: 60,
    functions: ['connection'],
  },
} as const satisfies SettingTable;

/** Limits of one session and its lanes. */
export interface Limits {
  /** Messages that can wait in one lane. */
  inboxMessages: number;
  /** Bytes of content that can wait in one lane. */
  inboxBytes: number;
  /** Turns of a session, including the running one. */
  sessionTurns: number;
  /** Connections of a session. */
  sessionConnections: number;
  /** Turns of a principal that run or wait. 0 is no limit. */
  principalTurns: number;
  /** The same of a tenant. */
  tenantTurns: number;
  /** How long a turn can wait until it begins. */
  queueTimeoutSeconds: Seconds;
  /** Bytes of one file. */
  fileBytes: number;
}

export function readLimits(env: Environment): Limits {
  // Everybody is the same principal then.
  const isShared = read(env, AUTH_CHOICE.auth) === 'none';
  return {
    inboxMessages: read(env, LIMIT_SETTINGS.inboxLimit),
    inboxBytes: read(env, LIMIT_SETTINGS.inboxBytes),
    sessionTurns: read(env, LIMIT_SETTINGS.sessionQueueLimit),
    sessionConnections: read(env, LIMIT_SETTINGS.sessionConnections),
    principalTurns: isShared ? 0 : read(env, LIMIT_SETTINGS.principalTurns),
    tenantTurns: isShared ? 0 : read(env, LIMIT_SETTINGS.tenantTurns),
    queueTimeoutSeconds: read(env, LIMIT_SETTINGS.sessionQueueTimeoutSeconds),
    fileBytes: read(env, LIMIT_SETTINGS.fileBytes),
  };
}

/** What one principal may do in a minute, with all its connections together. 0 is no limit. */
export interface Rates {
  framesPerMinute: number;
  connectionsPerMinute: number;
  dayFileBytes: number;
}

export function readRates(env: Environment): Rates {
  return {
    framesPerMinute: read(env, LIMIT_SETTINGS.framesPerMinute),
    connectionsPerMinute: read(env, LIMIT_SETTINGS.connectionsPerMinute),
    dayFileBytes: read(env, LIMIT_SETTINGS.dayFileBytes),
  };
}

export const RETENTION_SETTINGS = {
  /** How long a turn is in the transcript, after it began. Its entries expire together. */
  retentionDays: {
    name: 'MIDTURN_RETENTION_DAYS',
    kind: 'integer',
    unit: 'days',
    range: [1, 3650],
    default: 30,
    functions: LANES,
  },
  /** How long a client can resume a stream. What a running turn needs is kept for a day in any case. */
  eventRetentionHours: {
    name: 'MIDTURN_EVENT_RETENTION_HOURS',
    kind: 'integer',
    unit: 'hours',
    range: [1, 720],
    default: 24,
    functions: LANES,
  },
} as const satisfies SettingTable;

export interface Retention {
  transcriptDays: number;
  eventHours: number;
}

/**
 * How long the bucket keeps the bytes of a file: a day until a message has it, as long as that is in the transcript, and two days in
 * which DynamoDB removes its entries.
 */
export const fileDays = ({ transcriptDays }: Pick<Retention, 'transcriptDays'>): number => transcriptDays + 3;

export function readRetention(env: Environment): Retention {
  return {
    transcriptDays: read(env, RETENTION_SETTINGS.retentionDays),
    eventHours: read(env, RETENTION_SETTINGS.eventRetentionHours),
  };
}
