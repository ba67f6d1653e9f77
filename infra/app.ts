import { App } from 'aws-cdk-lib/core';
import { SettingError } from '../config/settings/setting.ts';
import { readProps } from './settings.ts';
import { MidturnStack } from './stack.ts';
import { stackNameOf } from './stack-name.ts';

/** What `cdk synth` and `cdk deploy` run: one stack, from the settings in the CDK context or the environment. */
const app = new App();
try {
  const lookup = (name: string): unknown => app.node.tryGetContext(name) ?? process.env[name];
  const { props, missing } = readProps(lookup);
  // The construct's id stays, so that the template's file and `cdk deploy Midturn` do not depend on the stack's name.
  new MidturnStack(app, 'Midturn', { midturn: props, missing, stackName: stackNameOf(lookup) });
} catch (error) {
  if (!(error instanceof SettingError)) throw error;
  console.error(error.message);
  process.exit(1);
}
