import { expect, it } from 'vitest';
import { accepted, end } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';

/** As on an emulator that skips the authorizers of WebSocket APIs. The functions see that they do not run on AWS. */
const stack = givenStack({
  settings: { MIDTURN_AUTHORIZER: 'false', AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' },
});

it('P12: without an authorizer, everybody is the same principal, as with one that asks nothing', async () => {
  stack.script([{ chunks: ['Hello.'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm', content: 'hi' });
  await accepted(client, 'm');
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Hello.' });
  const other = await stack.connect(session);
  other.send({ type: 'connect' });
  expect(await other.next('session_start')).toMatchObject({ resumed: true });
});
