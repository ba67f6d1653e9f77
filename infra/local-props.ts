import { resolve } from 'node:path';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { CfnElement, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { MidturnAuth } from './auth.ts';
import { eventBusText } from './event-bus.ts';
import type { PlainProps } from './plain-props.ts';
import type { MidturnProps } from './props.ts';
import type { Queues } from './queues.ts';
import { toProps } from './settings.ts';
import type { Users } from './users.ts';

/**
 * The context value with which the local cloud synthesizes an app: settings by name. They replace the props of every Midturn
 * in it. No deployment has it.
 */
const LOCAL_CONTEXT = 'midturn:local';

/**
 * The context value with which `midturn synth` synthesizes an app for an emulator of AWS: settings by name, in the place of the props of every
 * Midturn in it.
 */
const EMULATOR_CONTEXT = 'midturn:emulator';

const localSettings = (scope: Construct): Readonly<Record<string, string>> | undefined =>
  scope.node.tryGetContext(LOCAL_CONTEXT);

/**
 * The props as settings name them, with what the local cloud, or a synth for an emulator, puts in their place.
 * @param users the user pool that was made for `auth`
 */
export function plainProps(
  scope: Construct,
  { auth, eventBus, domain: host, ...props }: MidturnProps,
  users?: Users,
): PlainProps {
  const proof = users ? MidturnAuth.cognito(users.pool, users.client, users.options) : auth;
  const bus = eventBusText(eventBus);
  const chosen = {
    ...props,
    ...(proof instanceof MidturnAuth ? proof.props : { auth: proof }),
    ...(bus !== undefined && { eventBus: bus }),
    ...domainProps(host),
  };
  const settings = localSettings(scope);
  if (!settings) return forEmulator(scope, chosen);
  // The template stays on the machine: the local cloud has its own bundles and page, and nothing stands in front of it.
  const { agent, domain, existingDomain, edge, originSecret, page, ...local } = chosen;
  return { ...local, ...toProps(settings) };
}

function forEmulator(scope: Construct, chosen: PlainProps): PlainProps {
  const settings: Readonly<Record<string, string>> | undefined = scope.node.tryGetContext(EMULATOR_CONTEXT);
  if (!settings) return chosen;
  // Emulators have neither domains nor CloudFront.
  const { domain, existingDomain, edge, originSecret, ...emulated } = chosen;
  return { ...emulated, ...toProps(settings) };
}

/** A host name of the app's own has no setting. */
const domainProps = (host: MidturnProps['domain']): Pick<PlainProps, 'domain' | 'existingDomain'> =>
  host === undefined ? {} : 'domainName' in host ? { existingDomain: host } : { domain: host };

interface Described {
  table: Table;
  queues: Queues;
  httpApi: HttpApi | undefined;
}

/** Tells the local cloud which of the stack's resources are this Midturn's. */
export function describeLocally(
  scope: Construct,
  { table, queues, httpApi }: Described,
  { agent, pageFolder }: MidturnProps,
): void {
  if (!localSettings(scope)) return;
  const stack = Stack.of(scope);
  const id = ({ node: { defaultChild, path } }: Construct) => {
    if (!CfnElement.isCfnElement(defaultChild)) throw new TypeError(`${path} has no resource.`);
    return stack.getLogicalId(defaultChild);
  };
  const all = stack.templateOptions.metadata ?? {};
  stack.templateOptions.metadata = {
    ...all,
    Midturn: [
      ...(Array.isArray(all.Midturn) ? all.Midturn : []),
      {
        path: scope.node.path,
        table: id(table),
        deadlineQueue: id(queues.deadline),
        ...(httpApi && { httpApi: id(httpApi) }),
        ...(agent !== undefined && { agent: resolve(agent) }),
        ...(pageFolder !== undefined && { page: resolve(pageFolder) }),
      },
    ],
  };
}
