import type { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Setting } from '../config/settings/setting.ts';
import type { FUNCTION_SETTINGS, STACK_SETTINGS } from '../config/settings/table.ts';

/** What a prop takes, by the entry of its setting. */
type PropOf<Entry> = Entry extends Setting
  ? Entry extends { kind: 'integer' }
    ? number
    : Entry extends { kind: 'flag' }
      ? boolean
      : Entry extends { kind: 'choice'; choices: readonly (infer Choice)[] }
        ? Choice
        : string
  : Props<Entry, { groupNeedsIt: true }>;

/** Keys of the entries that say what `Mark` says. */
type Marked<Table, Mark> = { [Key in keyof Table]: Table[Key] extends Mark ? Key : never }[keyof Table];

/** A mapped type of this form keeps the comments of the table's entries, so that editors show them on the props. */
type PropsFor<Table, Key extends keyof Table> = { -readonly [K in Key]: PropOf<Table[K]> };

/** The props of a table: those whose entry says what `Mark` says are required. */
type Props<Table, Mark> = PropsFor<Table, Marked<Table, Mark>> &
  Partial<PropsFor<Table, Exclude<keyof Table, Marked<Table, Mark>>>>;

type FunctionProps = Props<typeof FUNCTION_SETTINGS, { localDefault: string }>;
type StackProps = Props<typeof STACK_SETTINGS, { localDefault: string }>;

/**
 * What a team chooses about its Midturn. Each prop is also a setting of the app around it: docs/settings.md lists them with
 * defaults and bounds. A value that cannot be used stops the synth with one line that names the setting.
 */
export interface MidturnProps extends FunctionProps, Omit<StackProps, 'removalPolicy'> {
  /**
   * What happens to conversations when the stack is deleted: `RETAIN` or `DESTROY`. `RETAIN` also protects the table from
   * deletion.
   * @default RemovalPolicy.RETAIN
   */
  removalPolicy?: RemovalPolicy;
  /** Folder with the built page. @default - web/dist of this project */
  pageFolder?: string;
}

export type DomainProps = NonNullable<MidturnProps['domain']>;
export type EdgeProps = NonNullable<MidturnProps['edge']>;
export type ThrottleProps = NonNullable<MidturnProps['throttle']>;
