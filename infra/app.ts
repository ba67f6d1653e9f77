import { App } from 'aws-cdk-lib/core';
import { SettingError, stackFromSettings } from 'midturn/cdk';

/** What `cdk synth` and `cdk deploy` run: one stack, from the settings in the CDK context or the environment. */
const app = new App();
try {
  stackFromSettings(app);
} catch (error) {
  if (!(error instanceof SettingError)) throw error;
  console.error(error.message);
  process.exit(1);
}
