import { read } from './read.ts';
import type { Environment, SettingTable } from './setting.ts';

/** What the rest of the account is told. */

export const BUS_SETTINGS = {
  /**
   * Name or ARN of the EventBridge event bus that is told when turns end, sessions are deleted and approvals are asked for. `default` is the
   * account's default bus.
   */
  eventBus: {
    name: 'MIDTURN_EVENT_BUS',
    kind: 'text',
    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
    pattern: /^(arn:[\w-]+:events:[\w-]+:\d{12}:event-bus\/)?[.\-_A-Za-z0-9]{1,256}$/,
    form: 'the name or the ARN of an event bus',
    unset: 'nobody is told',
    functions: ['inbound', 'turn', 'deadline', 'http'],
  },
} as const satisfies SettingTable;

export const readEventBus = (env: Environment): string | undefined => read(env, BUS_SETTINGS.eventBus);
