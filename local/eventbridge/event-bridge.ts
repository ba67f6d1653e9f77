import { randomUUID } from 'node:crypto';
import type { JsonAnswer, JsonService } from '../aws/json-service.ts';
import { fields } from '../aws/operations.ts';
import type { Value } from '../template/template.ts';
import { ACCOUNT, arn, REGION } from '../world.ts';
import { type BusRule, busName, DEFAULT_BUS, readRules, type Targets } from './rules.ts';

type Fields = Readonly<Record<string, unknown>>;

/** An event as a bus has it. */
interface TakenEvent {
  bus: string;
  event: { readonly [field: string]: Value };
}

/** EventBridge, as far as functions use it: `PutEvents` to the template's buses and the default one, and rules with a pattern. */
export interface EventBridge extends JsonService {
  /** All events so far, the last ones if there are very many. */
  taken(): readonly TakenEvent[];
  /** Refuses every entry with this code. @returns a function that ends it */
  refuse(code: string): () => void;
  /** Neither takes nor answers any request until `end`. `first` resolves when one has come. */
  lose(): { first: Promise<void>; end: () => void };
  /** Resolves when no delivery is under way. */
  settled(): Promise<void>;
}

/** Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html and "PutEvents", API reference. */
const MAX_ENTRIES = 10;
const MAX_ENTRY_BYTES = 256 * 1024;
const MAX_DETAIL_TYPE = 128;
/** A developer's cloud runs for days. */
const KEPT = 1000;

export function createEventBridge(targets: Targets): EventBridge {
  const rules = readRules(targets);
  const buses = new Set([
    DEFAULT_BUS,
    ...targets.stack.ofType('AWS::Events::EventBus').map((bus) => targets.stack.ref(bus)),
  ]);
  const taken: TakenEvent[] = [];
  const refusals = new Set<{ code: string }>();
  const underWay = new Set<Promise<void>>();
  const losses = new Set<() => void>();

  function put(entry: Fields): object {
    const [refused] = refusals;
    const problem = refused
      ? { ErrorCode: refused.code, ErrorMessage: 'The local cloud was told to refuse it.' }
      : problemOf(entry, buses);
    if (problem) return problem;
    const bus = busOf(entry);
    const event = eventOf(entry);
    taken.push({ bus, event });
    if (taken.length > KEPT) taken.shift();
    for (const rule of rules) if (rule.bus === bus && rule.matches(event)) start(rule, event);
    return { EventId: event.id };
  }

  function start(rule: BusRule, event: Value): void {
    const delivery = rule.deliver(event).finally(() => underWay.delete(delivery));
    underWay.add(delivery);
  }

  return {
    operation: (name, body) => ({
      name,
      needs: [...new Set(entriesOf(body).map(busOf))].map((bus) => ({
        action: `events:${name}`,
        resource: arn('events', `event-bus/${bus}`),
      })),
    }),
    answer(name, body) {
      if (name !== 'PutEvents')
        return fault('UnknownOperationException', `The local cloud's EventBridge has no ${name}.`);
      if (losses.size > 0) {
        for (const lost of losses) lost();
        return new Promise(() => {});
      }
      const entries = entriesOf(body);
      if (entries.length < 1 || entries.length > MAX_ENTRIES) {
        return fault(
          'ValidationException',
          `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and ${MAX_ENTRIES}`,
        );
      }
      const Entries = entries.map(put);
      const FailedEntryCount = Entries.filter((entry) => 'ErrorCode' in entry).length;
      return { status: 200, body: { Entries, FailedEntryCount } };
    },
    taken: () => taken,
    refuse(code) {
      const refusal = { code };
      refusals.add(refusal);
      return () => {
        refusals.delete(refusal);
      };
    },
    lose() {
      const { promise: first, resolve: lost } = Promise.withResolvers<void>();
      losses.add(lost);
      return {
        first,
        end() {
          losses.delete(lost);
        },
      };
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

const entriesOf = ({ Entries }: Fields): readonly Fields[] =>
  Array.isArray(Entries) ? Entries.map(fields) : [];

const busOf = ({ EventBusName }: Fields): string =>
  typeof EventBusName === 'string' ? busName(EventBusName) : DEFAULT_BUS;

/** Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html */
function problemOf(entry: Fields, buses: ReadonlySet<string>): object | undefined {
  const { Source, DetailType, Detail } = entry;
  const invalid = (ErrorMessage: string) => ({ ErrorCode: 'InvalidArgument', ErrorMessage });
  for (const [name, value] of Object.entries({ Source, DetailType, Detail })) {
    if (typeof value !== 'string' || value === '')
      return invalid(`Parameter ${name} is not valid. Reason: ${name} is a required argument.`);
  }
  if (String(Source).startsWith('aws.'))
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  if (String(DetailType).length > MAX_DETAIL_TYPE) return invalid('Parameter DetailType is not valid.');
  if (detailOf(Detail) === undefined)
    return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  const bytes = [Source, DetailType, Detail].reduce<number>(
    (sum, value) => sum + Buffer.byteLength(String(value)),
    0,
  );
  if (bytes > MAX_ENTRY_BYTES) return invalid('Total size of the entry is too large.');
  if (!buses.has(busOf(entry))) return invalid(`Event bus ${busOf(entry)} does not exist.`);
  return undefined;
}

function detailOf(text: unknown): { readonly [key: string]: Value } | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as { readonly [key: string]: Value })
      : undefined;
  } catch {
    return undefined;
  }
}

/** The event as rules see it. Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
function eventOf({ Source, DetailType, Detail, Time, Resources }: Fields) {
  const at = typeof Time === 'number' ? new Date(Time * 1000) : new Date();
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': String(DetailType),
    source: String(Source),
    account: ACCOUNT,
    time: `${at.toISOString().slice(0, 19)}Z`,
    region: REGION,
    resources: Array.isArray(Resources) ? Resources.map(String) : [],
    detail: detailOf(Detail) ?? {},
  };
}

const fault = (type: string, message: string): JsonAnswer => ({
  status: 400,
  body: { __type: type, message },
});
