import type { App } from 'aws-cdk-lib/core';
import { readProps } from './settings.ts';
import { MidturnStack } from './stack.ts';
import { stackNameOf } from './stack-name.ts';

/**
 * Adds a stack with one Midturn whose props are the settings in the CDK context (`-c MIDTURN_MODEL=…`) or the environment: for an app that has no
 * opinion of its own.
 * @throws {SettingError} for the first setting whose value cannot be used
 */
export function stackFromSettings(app: App): MidturnStack {
  const lookup = (name: string): unknown => app.node.tryGetContext(name) ?? process.env[name];
  const { props, missing } = readProps(lookup);
  // The construct's id stays, so that the template's file and `cdk deploy Midturn` do not depend on the stack's name.
  return new MidturnStack(app, 'Midturn', { midturn: props, missing, stackName: stackNameOf(lookup) });
}
