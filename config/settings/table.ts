import { AUTH_SETTINGS } from './authentication.ts';
import { BUDGET_SETTINGS } from './budgets.ts';
import { BUS_SETTINGS } from './bus.ts';
import { FORWARD_TOKEN_SETTINGS } from './forward-token.ts';
import { LIMIT_SETTINGS, RETENTION_SETTINGS } from './limits.ts';
import { LOG_SETTINGS } from './logs.ts';
import { AGENT_SETTINGS, MCP_SETTINGS, MODEL_SETTINGS } from './models.ts';
import { settingsIn } from './read.ts';
import { SECRET_SETTINGS } from './secrets.ts';
import { SESSION_SETTINGS } from './sessions.ts';
import type { SettingTable } from './setting.ts';
import {
  API_SETTINGS,
  ASSET_SETTINGS,
  CAPACITY_SETTINGS,
  DATA_SETTINGS,
  HTTP_SETTINGS,
  OPERATION_SETTINGS,
  OUTSIDE_SETTINGS,
} from './stack.ts';
import { TURN_SETTINGS } from './turns.ts';

/**
 * Every setting, once. Each has one entry, in the file of its topic in this folder. What functions read, their environments,
 * the check at synth and at start, the construct's props, what the local cloud passes on, and docs/settings.md are derived
 * from the entries. To add one: docs/contributing/add-a-setting.md.
 *
 * An entry's key is the construct's prop. The comment above an entry describes the setting: editors show it on the prop, and
 * docs/settings.md contains it. `name` is an entry's first property, because the generator of that page looks for it there.
 *
 * Functions import the files of their topics and not this one, so that their bundles contain no other settings.
 */

/** What functions read. The same locally and on deploy. */
export const FUNCTION_SETTINGS = {
  ...MODEL_SETTINGS,
  ...AGENT_SETTINGS,
  ...MCP_SETTINGS,
  ...AUTH_SETTINGS,
  ...FORWARD_TOKEN_SETTINGS,
  ...SECRET_SETTINGS,
  ...SESSION_SETTINGS,
  ...LIMIT_SETTINGS,
  ...BUDGET_SETTINGS,
  ...TURN_SETTINGS,
  ...RETENTION_SETTINGS,
  ...LOG_SETTINGS,
  ...BUS_SETTINGS,
} as const satisfies SettingTable;

/** What only the stack reads, on deploy. */
export const STACK_SETTINGS = {
  ...API_SETTINGS,
  ...OUTSIDE_SETTINGS,
  ...HTTP_SETTINGS,
  ...CAPACITY_SETTINGS,
  ...OPERATION_SETTINGS,
  ...DATA_SETTINGS,
  ...ASSET_SETTINGS,
} as const satisfies SettingTable;

/** The topics of docs/settings.md. */
export const FUNCTION_TOPICS: Readonly<Record<string, SettingTable>> = {
  Models: MODEL_SETTINGS,
  'What the agent’s code may use': AGENT_SETTINGS,
  'MCP servers': MCP_SETTINGS,
  Authentication: AUTH_SETTINGS,
  'Tokens of users': FORWARD_TOKEN_SETTINGS,
  Secrets: SECRET_SETTINGS,
  Sessions: SESSION_SETTINGS,
  'Limits of sessions and principals': LIMIT_SETTINGS,
  Budgets: BUDGET_SETTINGS,
  Turns: TURN_SETTINGS,
  Retention: RETENTION_SETTINGS,
  Logs: LOG_SETTINGS,
  'Events for other systems': BUS_SETTINGS,
};

export const STACK_TOPICS: Readonly<Record<string, SettingTable>> = {
  API: API_SETTINGS,
  'Messages from outside': OUTSIDE_SETTINGS,
  'HTTP API': HTTP_SETTINGS,
  Capacity: CAPACITY_SETTINGS,
  Operation: OPERATION_SETTINGS,
  Data: DATA_SETTINGS,
  'Code and names': ASSET_SETTINGS,
};

/** Names of the settings that the local cloud passes on from a developer's environment to the stack and its functions. */
export const PASSED_SETTING_NAMES: readonly string[] = settingsIn({
  ...FUNCTION_SETTINGS,
  ...OUTSIDE_SETTINGS,
  ...HTTP_SETTINGS,
}).map(({ setting }) => setting.name);

/** What applies, locally and at a synth, to settings that only a deployment must set. */
export const LOCAL_DEFAULTS: Readonly<Record<string, string>> = Object.fromEntries(
  settingsIn(FUNCTION_SETTINGS).flatMap(({ setting }) =>
    setting.localDefault === undefined ? [] : [[setting.name, setting.localDefault]],
  ),
);
