import { FUNCTION_NAMES } from '../function-names.ts';
import { read } from './read.ts';
import type { Environment, SettingTable } from './setting.ts';

/** What functions log. */

export const LOG_SETTINGS = {
  /** The lowest level that functions log. Upper and lower case are the same. */
  logLevel: {
    name: 'MIDTURN_LOG_LEVEL',
    kind: 'choice',
    choices: ['DEBUG', 'INFO', 'WARN', 'ERROR', 'SILENT'],
    anyCase: true,
    default: 'INFO',
    functions: FUNCTION_NAMES,
  },
  /**
   * Of a hundred sessions, how many have lines of level INFO about each message: accepted, enqueued, claimed, applied, first text, ended.
   * All lines of a session are written, or none.
   */
  logSessionsPercent: {
    name: 'MIDTURN_LOG_SESSIONS_PERCENT',
    kind: 'integer',
    unit: 'percent',
    range: [0, 100],
    default: 100,
    functions: ['inbound', 'turn', 'deadline', 'send', 'http'],
  },
} as const satisfies SettingTable;

export type LogLevel = (typeof LOG_SETTINGS.logLevel.choices)[number];

export const readLogSessionsPercent = (env: Environment): number =>
  read(env, LOG_SETTINGS.logSessionsPercent);

export const readLogLevel = (env: Environment): LogLevel => read(env, LOG_SETTINGS.logLevel);
