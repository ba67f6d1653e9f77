import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { meter } from './capacity.ts';
import { expressionRefusal } from './expression-limits.ts';
import { readJson, replay } from './json-body.ts';
import { fields, targetOf } from './operations.ts';
import { refuse } from './refusals.ts';
import type { WriteThrottle } from './write-throttle.ts';

interface Refusing {
  throttle(): WriteThrottle | undefined;
  /** The partition of an item with this key. */
  partitionOf(table: string, key: Readonly<Record<string, unknown>>): string;
}

/** Puts the limits of DynamoDB that dynalite does not know before its listener. */
export function refuseLikeDynamoDB(server: Server, { throttle: throttleNow, partitionOf }: Refusing): void {
  const [serve] = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    if (!body) {
      refuse(response, 'dynamodb', { kind: 'malformed' });
      return;
    }
    const message = expressionRefusal(body.value);
    if (message !== undefined) {
      refuse(response, 'dynamodb', { kind: 'invalid', message });
      return;
    }
    const operation = targetOf(String(request.headers['x-amz-target'] ?? ''));
    const throttle = throttleNow();
    const written = throttle && writtenKey(operation, body.value);
    if (!throttle || !written) {
      serve?.(replay(request, body.bytes), response);
      return;
    }
    const partition = partitionOf(String(body.value.TableName), written);
    if (!throttle.admits(partition)) {
      refuse(response, 'dynamodb', { kind: 'throttled' });
      return;
    }
    // dynalite tells no units of a failed condition, which costs at least one.
    const metered = meter(true, operation, body, response, ({ capacityUnits = 1 }) =>
      throttle.spend(partition, capacityUnits),
    );
    serve?.(replay(request, metered), response);
  }

  server.on('request', (request, response) => void receive(request, response));
}

/** The key of the item that an operation writes, or the item with it. Undefined for other operations. */
function writtenKey(
  operation: string,
  { Item, Key }: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  switch (operation) {
    case 'PutItem':
      return fields(Item);
    case 'UpdateItem':
    case 'DeleteItem':
      return fields(Key);
    default:
      return undefined;
  }
}
