import type { IDomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
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

/** A host name of API Gateway that the app has already. */
export interface ExistingDomain {
  /** One that no REST or HTTP API is mapped to: API Gateway does not mix them with WebSocket APIs. */
  domainName: IDomainName;
  /** The path at which clients connect: `wss://{domain}/{mappingKey}`. @default - none: the API has the host name for itself */
  mappingKey?: string;
}

/** What a team chooses, as the settings name it. */
export interface PlainProps extends FunctionProps, Omit<StackProps, 'removalPolicy'> {
  /**
   * What happens to conversations when the stack is deleted: `RETAIN` or `DESTROY`. `RETAIN` also protects the table from
   * deletion.
   * @default RemovalPolicy.RETAIN
   */
  removalPolicy?: RemovalPolicy;
  /** In the place of `domain`. */
  existingDomain?: ExistingDomain;
  /** Folder with the built page. @default - the page that comes with the construct */
  pageFolder?: string;
  /**
   * The module that exports `agent`, made by `defineAgent` of `midturn/agent`: a path from the folder in which the app runs. It is
   * bundled into the turn function at synth. @default - the bundle in `bundles`
   */
  agent?: string;
  /**
   * Value of the dimension `stack` of all metrics, the beginning of the queues' names, and what descriptions call it. No two in an
   * account and region may have the same. @default - the names of the stack and of the construct, with `-` between them
   */
  name?: string;
  /** The network of the functions. They need a way to the services of AWS, and the turn function one to its model. @default - none */
  vpc?: IVpc;
  /** Subnets of `vpc` for the functions. @default - private subnets */
  vpcSubnets?: SubnetSelection;
  /** Security groups of the functions in `vpc`. @default - a new one for each function */
  securityGroups?: ISecurityGroup[];
}

export type DomainProps = NonNullable<PlainProps['domain']>;
export type EdgeProps = NonNullable<PlainProps['edge']>;
export type ThrottleProps = NonNullable<PlainProps['throttle']>;
