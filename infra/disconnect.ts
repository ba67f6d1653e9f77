import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { managementGateway } from '../aws/api-gateway/gateway.ts';
import { noMetrics } from '../aws/cloudwatch/emf.ts';
import { dynamoStore } from '../aws/dynamodb/store.ts';
import type { SessionId } from '../core/ids.ts';
import { closeConnection } from '../core/inbound/connection-lifecycle.ts';
import type { Principal } from '../core/store/items.ts';
import { connectionsOf } from './principal-items.ts';

/** Where the commands find a deployment. */
export interface Deployment {
  table: string;
  /** The address at which its connections are posted to and closed. */
  endpoint: string;
}

/**
 * Closes what a principal has open, or what is open to one of its sessions. A connection that was closed is forgotten only
 * then, so that a run that fails can be repeated. Turns run on (P14).
 *
 * @returns how many connections were closed
 */
export async function disconnect(
  { table, endpoint }: Deployment,
  principal: Principal,
  sessionId?: SessionId,
): Promise<number> {
  const gateway = managementGateway(endpoint, noMetrics);
  const store = dynamoStore(table);
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  let closed = 0;
  for await (const connection of connectionsOf(client, table, principal, sessionId)) {
    await gateway.disconnect(connection);
    await closeConnection({ store }, connection);
    closed += 1;
  }
  return closed;
}
