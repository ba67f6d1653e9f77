import type { APIGatewayAuthorizerResult, Context } from 'aws-lambda';
import { beforeAll, expect, it } from 'vitest';
import { givenAws } from '../../test/support/aws-stand-in.ts';

givenAws({ MIDTURN_AUTH: 'none', MIDTURN_OPEN_TO_ANYONE: 'true' });
let handle: (event: never, context: Context) => Promise<APIGatewayAuthorizerResult>;
beforeAll(async () => {
  ({ handler: handle } = await import('./handler.ts'));
});

it.each([{}, { 'X-Forwarded-For': '198.51.100.7' }, { 'x-forwarded-for': '198.51.100.7, 192.0.2.1' }])(
  'where nothing stands in front of the API, a client is counted by its own address, whatever it says: %j',
  async (headers) => {
    const requestContext = { identity: { sourceIp: '192.0.2.1' } };
    const event = { methodArn: 'arn', headers, queryStringParameters: null, requestContext };
    const { context } = await handle(event as never, { awsRequestId: 'r' } as Context);
    expect(context).toMatchObject({ shared: 'true', address: '192.0.2.1' });
  },
);
