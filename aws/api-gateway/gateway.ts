import {
  ApiGatewayManagementApiClient,
  type ApiGatewayManagementApiClientConfig,
  ApiGatewayManagementApiServiceException,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import type { ConnectionId } from '../../core/ids.ts';
import type { Gateway, Metrics } from '../../core/ports.ts';
import { CLOSE_LIMIT_MS, CONNECTIONS_CLIENT, POST_LIMIT_MS, within } from '../timeouts.ts';

/** Ids of connections that were closed here, or could not be. Each is used once, so that the oldest can be forgotten. */
const MAX_CLOSED = 1000;

/** Posts through the management API of one stage, whose address the stack passes as `endpoint`. */
export function managementGateway(
  endpoint: string,
  metrics: Metrics,
  config: ApiGatewayManagementApiClientConfig = {},
): Gateway {
  const client = new ApiGatewayManagementApiClient({ endpoint, ...CONNECTIONS_CLIENT, ...config });
  const closed = new Set<ConnectionId>();
  return {
    async post(connection, frame) {
      if (closed.has(connection)) return 'gone';
      const command = new PostToConnectionCommand({ ConnectionId: connection, Data: frame });
      try {
        await within(POST_LIMIT_MS, (abortSignal) => client.send(command, { abortSignal }));
        return 'sent';
      } catch (error) {
        if (isAborted(error)) return 'unanswered';
        const status = statusOf(error);
        if (status === THROTTLED) metrics.count('PostsThrottled');
        if (status !== GONE) throw error;
        metrics.count('PostsGone');
        return 'gone';
      }
    },
    async disconnect(connection) {
      closed.add(connection);
      const [oldest] = closed;
      if (closed.size > MAX_CLOSED && oldest !== undefined) closed.delete(oldest);
      try {
        const command = new DeleteConnectionCommand({ ConnectionId: connection });
        await within(CLOSE_LIMIT_MS, (abortSignal) => client.send(command, { abortSignal }));
        return 'closed';
      } catch (error) {
        if (isAborted(error)) return 'unanswered';
        if (statusOf(error) !== GONE) throw error;
        return 'closed';
      }
    },
  };
}

const isAborted = (error: unknown) => error instanceof Error && error.name === 'AbortError';

const GONE = 410;
const THROTTLED = 429;

/** AWS names its errors in a header, which an emulator may leave out. The status is in every answer. */
const statusOf = (error: unknown): number | undefined =>
  error instanceof ApiGatewayManagementApiServiceException ? error.$metadata.httpStatusCode : undefined;
