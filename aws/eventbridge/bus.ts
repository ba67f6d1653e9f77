import type { EventBridgeClientConfig, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { BusEvent, EventBus } from '../../core/ports.ts';
import { BUS_TIMEOUTS } from '../timeouts.ts';

/** `source` of every event, by which rules find them. */
const SOURCE = 'midturn';
/** Of `detail`. A later version adds fields, and changes the number where a field has another meaning. */
const VERSION = 1;

/** Of one request. Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const MAX_ENTRIES = 10;
/** Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html */
const RETRYABLE = new Set(['InternalFailure', 'ThrottlingException']);
/** Of an entry that was refused with one of these. */
const TRIES = 2;

/** An event bus, and who tells it. */
export interface BusOptions {
  /** Name or ARN of the bus. */
  bus: string;
  /** Name of this Midturn: several may share a bus. */
  midturn: string;
}

/** The SDK's client is loaded with the first event, so that functions which tell nobody do not load it. */
export function eventBridgeBus({ bus, midturn }: BusOptions, config: EventBridgeClientConfig = {}): EventBus {
  let connecting: Promise<(entries: PutEventsRequestEntry[]) => Promise<PutEventsRequestEntry[]>> | undefined;

  /** @returns puts entries, and gives back those that may be tried again. Throws for others that were refused */
  async function connect() {
    const { EventBridgeClient, PutEventsCommand } = await import('@aws-sdk/client-eventbridge');
    const client = new EventBridgeClient({ ...BUS_TIMEOUTS, ...config });
    return async (entries: PutEventsRequestEntry[]) => {
      const { Entries = [], FailedEntryCount = 0 } = await client.send(
        new PutEventsCommand({ Entries: entries }),
      );
      // A request that is answered with 200 may have failed in part.
      if (FailedEntryCount === 0) return [];
      const codes = Entries.map(({ ErrorCode }) => ErrorCode);
      const refused = codes.filter((code) => code !== undefined && !RETRYABLE.has(code));
      if (refused.length > 0) throw new BusError(refused.join(', '));
      return entries.filter((_, i) => codes[i] !== undefined);
    };
  }

  const entryOf = ({ type, at, detail }: BusEvent): PutEventsRequestEntry => ({
    EventBusName: bus,
    Source: SOURCE,
    DetailType: type,
    Time: new Date(at),
    Detail: JSON.stringify({ version: VERSION, midturn, ...detail }),
  });

  async function putBatch(events: readonly BusEvent[]): Promise<void> {
    // One that could not be loaded is loaded again.
    connecting ??= connect().catch((error) => {
      connecting = undefined;
      throw error;
    });
    const put = await connecting;
    let left = events.map(entryOf);
    for (let tries = 0; tries < TRIES && left.length > 0; tries++) left = await put(left);
    if (left.length > 0) throw new BusError(`${left.length} of ${events.length} events were throttled`);
  }

  return {
    async put(events) {
      for (let i = 0; i < events.length; i += MAX_ENTRIES) await putBatch(events.slice(i, i + MAX_ENTRIES));
    },
  };
}

/** The bus has refused an event. */
class BusError extends Error {
  override readonly name = 'BusError';
}
