import { App } from 'aws-cdk-lib/core';
import { SettingError } from '../config/settings/setting.ts';
import { readProps } from './settings.ts';
import { MidturnStack } from './stack.ts';

/** What `cdk synth` and `cdk deploy` run: one stack, from the settings in the CDK context or the environment. */
const app = new App();
try {
  const { props, missing } = readProps((name) => app.node.tryGetContext(name) ?? process.env[name]);
  new MidturnStack(app, 'Midturn', { midturn: props, missing });
} catch (error) {
  if (!(error instanceof SettingError)) throw error;
  console.error(error.message);
  process.exit(1);
}
