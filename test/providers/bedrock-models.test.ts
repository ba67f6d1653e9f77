import { describe, expect, it } from 'vitest';
import { end } from '../support/frames.ts';
import { givenProvider } from './provided-stack.ts';
import { bedrock } from './wires/bedrock.ts';

/** The forms in which a model of Bedrock can be named. The local cloud asks for the permissions that Bedrock asks for. */
const ACCOUNT = 'arn:aws:bedrock:us-east-1:000000000000';
const MODELS = [
  'anthropic.some-model-v1:0',
  'eu.anthropic.some-model-v1:0',
  'global.anthropic.some-model-v1:0',
  `${ACCOUNT}:inference-profile/us.anthropic.some-model-v1:0`,
  `${ACCOUNT}:application-inference-profile/a1b2c3`,
  `${ACCOUNT}:provisioned-model/a1b2c3`,
];

describe.each(MODELS)('the turn function', (model) => {
  const path = `/model/${encodeURIComponent(model)}/converse-stream`;
  const stack = givenProvider({ ...bedrock, model, path });

  it(`may call ${model}`, async () => {
    stack.script([{ text: ['Hello.'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'hi' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Hello.' });
  });
});
