import type { SettingTable } from './setting.ts';

/** What the app of this project has around the construct (`infra/app.ts`). In an app of your own, you name the stack. */
export const APP_SETTINGS = {
  /**
   * Name of the CloudFormation stack. With a stage other than `prod`, the stack is named `{name}-{stage}`, so that each stage
   * is a stack of its own.
   */
  stackName: {
    name: 'MIDTURN_STACK_NAME',
    kind: 'text',
    pattern: /^[A-Za-z][A-Za-z0-9-]{0,99}$/,
    form: 'a letter, then up to 99 letters, digits or -',
    default: 'Midturn',
  },
} as const satisfies SettingTable;
