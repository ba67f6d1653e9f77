import {
  ApiGatewayManagementApiClient,
  type ApiGatewayManagementApiClientConfig,
  DeleteConnectionCommand,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import type { Gateway } from '../../core/ports.ts';

/** Posts through the management API of one stage. `endpoint` comes from the stack: no host name is assumed here. */
export function managementGateway(
  endpoint: string,
  config: ApiGatewayManagementApiClientConfig = {},
): Gateway {
  const client = new ApiGatewayManagementApiClient({ endpoint, ...config });
  return {
    async post(connection, frame) {
      try {
        await client.send(new PostToConnectionCommand({ ConnectionId: connection, Data: frame }));
        return 'sent';
      } catch (error) {
        if (error instanceof GoneException) return 'gone';
        throw error;
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
