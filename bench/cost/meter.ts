import type { Call } from '../../local/aws/access.ts';
import { fields } from '../../local/aws/operations.ts';
import type { LocalCloud } from '../../local/cloud.ts';
import type { Invocation } from '../../local/functions/functions.ts';
import type { Traffic } from '../../local/gateway/types.ts';
import { Ledger } from './ledger.ts';
import {
  ACCESS_LOG_BYTES,
  INVOCATION_LOG_BYTES,
  LATENCY_MS,
  LOG_EVENT_BYTES,
  MESSAGE_BYTES,
  QUEUE_REQUEST_BYTES,
  SAMPLED_TRACES,
} from './prices.ts';

export interface Meter {
  readonly ledger: Ledger;
  stop(): void;
}

/** Where a local cloud tells what it does. */
export interface Observable {
  permissions: Pick<LocalCloud['permissions'], 'onCall'>;
  functions: Pick<LocalCloud['functions'], 'onInvocation'>;
  gateway: Pick<LocalCloud['gateway'], 'onTraffic'>;
}

/** Enters what AWS would bill for all that a local cloud does. */
export function meterCloud({ permissions, functions, gateway }: Observable): Meter {
  const ledger = new Ledger();
  const database = new DatabaseMeter(ledger);
  /** By function: the time that its calls would have taken in AWS, since its last invocation ended. */
  const latencies = new Map<string, number>();

  function onCall(call: Call): void {
    if (!call.allowed) return;
    if (call.by === 'function') {
      const ms = LATENCY_MS[call.service as keyof typeof LATENCY_MS] ?? 0;
      latencies.set(call.function, (latencies.get(call.function) ?? 0) + ms);
    }
    if (call.service === 'dynamodb') database.enter(call);
    else if (call.service === 'sqs') enterQueueRequest(ledger, call);
    else if (call.service === 'logs' && call.operation === 'PutLogEvents' && call.requestBytes > 0) {
      const quantity = call.requestBytes + LOG_EVENT_BYTES;
      ledger.add({ unit: 'logBytes', by: call.function, what: 'printed', count: 1, quantity });
    }
  }

  function onInvocation({ function: by, ms, memoryMb, traced }: Invocation): void {
    // The turn function waits for the model and the tools, while its calls go on beside it; the others wait for their calls.
    const billedMs = Math.ceil(ms + (by === 'turn' ? 0 : (latencies.get(by) ?? 0)));
    latencies.delete(by);
    const seconds = (billedMs / 1000) * (memoryMb / 1024);
    ledger.add({ unit: 'lambdaRequests', by, what: 'Invoke', count: 1, quantity: 1 });
    ledger.add({ unit: 'lambdaGbSeconds', by, what: `${memoryMb} MB`, count: 1, quantity: seconds });
    ledger.add({ unit: 'logBytes', by, what: 'by Lambda', count: 1, quantity: INVOCATION_LOG_BYTES });
    if (traced) ledger.add({ unit: 'traces', by, what: 'Invoke', count: 1, quantity: SAMPLED_TRACES });
  }

  function onTraffic({ direction, bytes }: Traffic): void {
    const by = direction === 'in' ? 'client' : 'server';
    const quantity = Math.max(1, Math.ceil(bytes / MESSAGE_BYTES));
    ledger.add({ unit: 'webSocketMessages', by, what: 'message', count: 1, quantity });
    if (direction === 'out') {
      ledger.add({ unit: 'transferBytes', by, what: 'message', count: 1, quantity: bytes });
    } else {
      ledger.add({ unit: 'logBytes', by, what: 'access log', count: 1, quantity: ACCESS_LOG_BYTES });
    }
  }

  const stops = [
    permissions.onCall(onCall, { capacity: true }),
    functions.onInvocation(onInvocation),
    gateway.onTraffic(onTraffic),
  ];
  return {
    ledger,
    stop() {
      for (const stop of stops) stop();
    },
  };
}

/** What AWS bills as reads; all else writes. */
const READS = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems']);

class DatabaseMeter {
  readonly #ledger: Ledger;
  /** By key: units of the last write, which is the size of the item in KB. */
  readonly #sizes = new Map<string, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  enter({ function: by, operation, request = {}, capacityUnits, conditionFailed }: Call): void {
    const { kind, key } = describeItem(request);
    const what = `${operation} ${kind}`;
    if (READS.has(operation)) {
      const quantity = capacityUnits ?? 0;
      this.#ledger.add({ unit: 'readUnits', by, what, count: 1, quantity });
      return;
    }
    if (capacityUnits !== undefined) {
      this.#sizes.set(key, capacityUnits);
      this.#ledger.add({ unit: 'writeUnits', by, what, count: 1, quantity: capacityUnits });
    } else if (conditionFailed) {
      // Billed by the size of the item as it is, and told to nobody.
      const quantity = this.#sizes.get(key) ?? 1;
      this.#ledger.add({ unit: 'writeUnits', by, what: `${what}, refused`, count: 1, quantity });
    }
  }
}

/** The kind of an item, by the first word of its sort key, or of its partition key where that says nothing. */
function describeItem(request: Readonly<Record<string, unknown>>): { kind: string; key: string } {
  const text = (value: unknown) => String(fields(value).S ?? '');
  const item = fields(request.Key ?? request.Item);
  const values = fields(request.ExpressionAttributeValues);
  const [pk, sk] =
    'pk' in item ? [text(item.pk), text(item.sk)] : [text(values[':pk']), text(values[':from'])];
  const word = (part: string) => part.split('#')[0] ?? '';
  return { kind: word(sk) === '-' ? word(pk) : word(sk), key: `${pk} ${sk}` };
}

/** Attributes are looked at by the stand-in for each poll, by Lambda now and then. */
const NOT_BILLED_SO = new Set(['GetQueueAttributes']);

function enterQueueRequest(ledger: Ledger, call: Call): void {
  const { function: by, operation, checks, requestBytes, responseBytes } = call;
  if (NOT_BILLED_SO.has(operation)) return;
  // How long a poll waits in vain depends on nothing that a turn does: idle costs are counted apart.
  if (operation === 'ReceiveMessage' && responseBytes === 0) return;
  const queue = checks[0]?.resource ?? '';
  const unit = queue.endsWith('.fifo') ? 'fifoRequests' : 'standardRequests';
  const quantity = Math.max(1, Math.ceil((requestBytes + responseBytes) / QUEUE_REQUEST_BYTES));
  ledger.add({ unit, by, what: operation, count: 1, quantity });
}
