import {
  ApiGatewayManagementApiClient,
  type ApiGatewayManagementApiClientConfig,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import type { Gateway, Metrics } from '../../core/ports.ts';
import { POST_TIMEOUTS } from '../timeouts.ts';

/** Posts through the management API of one stage, whose address the stack passes as `endpoint`. */
export function managementGateway(
  endpoint: string,
  metrics: Metrics,
  config: ApiGatewayManagementApiClientConfig = {},
): Gateway {
  const client = new ApiGatewayManagementApiClient({ endpoint, ...POST_TIMEOUTS, ...config });
  // Added behind the SDK's retries, so that each try is counted.
  client.middlewareStack.addRelativeTo(
    <Args, Answer>(next: (args: Args) => Promise<Answer>) =>
      async (args: Args) => {
        try {
          return await next(args);
        } catch (error) {
          if (isThrottled(error)) metrics.count('PostsThrottled');
          throw error;
        }
      },
    { name: 'countThrottled', relation: 'after', toMiddleware: 'retryMiddleware' },
  );
  return {
    async post(connection, frame) {
      try {
        await client.send(new PostToConnectionCommand({ ConnectionId: connection, Data: frame }));
        return 'sent';
      } catch (error) {
        if (!(error instanceof GoneException)) throw error;
        metrics.count('PostsGone');
        return 'gone';
      }
    },
    async disconnect(connection) {
      try {
        await client.send(new DeleteConnectionCommand({ ConnectionId: connection }));
      } catch (error) {
        if (!(error instanceof GoneException)) throw error;
      }
    },
  };
}

const isThrottled = (error: unknown) =>
  error instanceof ApiGatewayManagementApiServiceException && error.$metadata.httpStatusCode === 429;
