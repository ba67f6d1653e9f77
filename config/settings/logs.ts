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
} as const satisfies SettingTable;

export type LogLevel = (typeof LOG_SETTINGS.logLevel.choices)[number];

export const readLogLevel = (env: Environment): LogLevel => read(env, LOG_SETTINGS.logLevel);
