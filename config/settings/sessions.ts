import { readAll, type ValuesOf } from './read.ts';
import type { Environment, SettingTable } from './setting.ts';

/** What a session does for its clients. The core has these settings as `core.sessionSettings`. */

export const SESSION_SETTINGS = {
  /**
   * What a message steers if its own connection has no turn in flight. With `session`, the session's running turn, whichever
   * connection started it. With `connection`, nothing: the message opens a turn that waits.
   */
  steerScope: {
    name: 'MIDTURN_STEER_SCOPE',
    kind: 'choice',
    choices: ['connection', 'session'],
    default: 'connection',
    functions: ['inbound', 'send', 'http'],
  },
  /**
   * Whether a connection is told of its session without having sent a frame. It is, after two seconds, if its address names the
   * session and it did not offer the subprotocol `midturn.v1`, whose clients send a frame at once. For clients of the ZeroClaw
   * gateway, which are silent after a reconnect.
   */
  greetSilent: {
    name: 'MIDTURN_GREET_SILENT',
    kind: 'flag',
    default: false,
    functions: ['connection'],
  },
  /**
   * Whether a message can have images by their URL. The model's provider fetches those, and so tells the URL's host that
   * somebody asked. With `false`, such a message is refused with `INVALID_FRAME`; images in the frame are still taken.
   */
  imageUrls: {
    name: 'MIDTURN_IMAGE_URLS',
    kind: 'flag',
    default: true,
    functions: ['inbound', 'send', 'http'],
  },
  /**
   * Agents that clients can choose by name for a new session, in the order in which a page offers them. Others of the agent's
   * code are reached by its function `choose` alone. `session_start` names them.
   */
  agents: {
    name: 'MIDTURN_AGENTS',
    kind: 'text',
    pattern: /^[\w-]{1,64}(,[\w-]{1,64}){0,31}$/,
    form: 'names of agents with commas between them, at most 32',
    unset: 'clients can choose none',
    functions: ['inbound', 'turn', 'send', 'http'],
  },
} as const satisfies SettingTable;

/** A value for each entry of the table, by its key. */
export type SessionSettings = ValuesOf<typeof SESSION_SETTINGS>;

/** The agents that clients can choose. */
export const offeredAgents = ({ agents }: Pick<SessionSettings, 'agents'>): readonly string[] =>
  agents?.split(',') ?? [];

export const readSessionSettings = (env: Environment): SessionSettings => readAll(env, SESSION_SETTINGS);
