import { Stack, Token } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { SettingError } from '../config/settings/setting.ts';

const CONTEXT = 'midturn:name';

/** What queues and metrics can have in their names. A stack's name has this form. */
const NAME = /^[A-Za-z][\w-]{0,127}$/;

/**
 * Names a Midturn, before it has children: they read the name with `nameOf`.
 * @throws {SettingError} for a name of another form, or if another Midturn of the stack has it
 */
export function giveName(scope: Construct, chosen: string | undefined): void {
  if (chosen !== undefined && !Token.isUnresolved(chosen) && !NAME.test(chosen))
    throw new SettingError(`name is "${chosen}": it must be letters, digits, - or _, a letter first.`);
  const stack = Stack.of(scope);
  const path = scope.node.path.slice(stack.node.path.length).split('/').filter(Boolean);
  const name = chosen ?? [stack.stackName, ...path].join('-');
  const other = stack.node.findAll().find((one) => one !== scope && ownName(one) === name);
  if (other) throw new SettingError(`name is "${name}": ${other.node.path} of the same stack has it.`);
  scope.node.setContext(CONTEXT, name);
}

/** The name of the Midturn that contains this construct. */
export const nameOf = (scope: Construct): string => scope.node.getContext(CONTEXT);

const ownName = ({ node }: { node: Construct['node'] }): unknown =>
  node.tryGetContext(CONTEXT) === node.scope?.node.tryGetContext(CONTEXT)
    ? undefined
    : node.tryGetContext(CONTEXT);
