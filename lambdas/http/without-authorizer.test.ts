import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { beforeAll, expect, it } from 'vitest';
import { givenAws } from '../../test/support/aws-stand-in.ts';

const aws = givenAws({ MIDTURN_AUTHORIZER: 'false', MIDTURN_FRAMES_PER_MINUTE: '1' });
let handle: (event: never, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;
beforeAll(async () => {
  ({ handler: handle } = await import('./handler.ts'));
});

const ask = async (authorizer?: object) => {
  const event = {
    routeKey: 'POST /api/sessions/{id}/messages',
    pathParameters: { id: 'one' },
    body: JSON.stringify({ content: 'hello' }),
    requestContext: { requestId: 'r', ...(authorizer && { authorizer }) },
  };
  const { statusCode } = await handle(event as never, { awsRequestId: 'r' } as Context);
  const [{ body = '{}' } = {}] = aws.sent.filter(({ queue }) => queue === 'turns.fifo').splice(-1);
  return [statusCode, JSON.parse(body).session];
};

it('P12: on an emulator that does without an authorizer, everybody is one principal, whom nobody counts', async () => {
  for (let n = 0; n < 3; n++) expect(await ask()).toEqual([202, 'local#anonymous#one']);
});

it('P12: whoever an authorizer names all the same is that one', async () => {
  expect(await ask({ lambda: { tenant: 'acme', subject: 'ann' } })).toEqual([202, 'acme#ann#one']);
});
