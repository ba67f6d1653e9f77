import { expect, it } from 'vitest';
import { synthesize } from './testing.ts';

/** Names of bundled files: they change with every change of a function. */
const ASSET = /\b[0-9a-f]{64}(?=\.zip\b)/g;

it('the template of a usual deployment is the one that was reviewed', async () => {
  const template = synthesize({
    model: 'bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
    auth: 'jwt',
    jwtIssuer: 'https://issuer.example.com/',
    jwtAudience: 'chat',
    alarmTopicArn: 'arn:aws:sns:eu-west-1:111122223333:ops',
  });
  const text = JSON.stringify(template.toJSON(), undefined, 2).replaceAll(ASSET, 'ASSET');
  await expect(`${text}\n`).toMatchFileSnapshot('./template.snapshot.txt');
});
