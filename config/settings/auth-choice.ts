import type { SettingTable } from './setting.ts';

/** What functions of all kinds read of authentication: the rest (`authentication.ts`) is in the code of few. */
export const AUTH_CHOICE = {
  /** How a client proves who it is. With `none`, everybody can connect, and all are the same principal. */
  auth: {
    name: 'MIDTURN_AUTH',
    kind: 'choice',
    choices: ['jwt', 'tokens', 'none'],
    localDefault: 'none',
    // The others count nobody's turns with `none`.
    functions: ['authorizer', 'connection', 'inbound', 'turn', 'deadline', 'send', 'http'],
  },
} as const satisfies SettingTable;
