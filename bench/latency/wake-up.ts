import { type Charge, totalOf } from '../cost/ledger.ts';
import { INVOCATION_LOG_BYTES, LATENCY_MS, SAMPLED_TRACES } from '../cost/prices.ts';

/**
 * What a wake-up beside the FIFO token would cost: a message of a standard queue that says "look at this lane". Computed by the
 * ledger's prices from the calls that each form has to make, not run ([decision 0192](../../docs/decisions/0192-no-wake-up-beside-the-token.md)).
 */
export interface WakeUp {
  name: string;
  about: string;
  charges: readonly Charge[];
}

const TURN_GB = 0.5;
/** Of the reference turn, as `npm run bench:cost` meters them: one at once, one after five seconds. */
const HEARTBEATS = 2;

const charge = (unit: Charge['unit'], what: string, quantity: number): Charge => ({
  unit,
  by: 'turn',
  what,
  count: quantity,
  quantity,
});

/** The message itself, and its heartbeats, as it may be all that stands for the turn. */
const wake = (heartbeats: number): Charge[] => [
  charge('standardRequests', 'SendMessage', 1),
  charge('standardRequests', 'ReceiveMessage', 1),
  charge('standardRequests', 'DeleteMessage', 1),
  charge('standardRequests', 'ChangeMessageVisibility', heartbeats),
];

/** One more worker: its first heartbeat and, at once, what it has to look at. It finds that there is nothing for it to do. */
const secondWorker = (): Charge[] => [
  charge('lambdaRequests', 'Invoke', 1),
  charge(
    'lambdaGbSeconds',
    '512 MB',
    (TURN_GB * (LATENCY_MS.sqs + LATENCY_MS.dynamodb + LATENCY_MS.sqs)) / 1000,
  ),
  charge('logBytes', 'by Lambda', INVOCATION_LOG_BYTES),
  charge('traces', 'Invoke', SAMPLED_TRACES),
  charge('fifoRequests', 'ChangeMessageVisibility', 1),
  charge('writeUnits', 'UpdateItem SESSION, refused', 1),
  charge('readUnits', 'GetItem LANE', 1),
];

/** The token is held by another one: its heartbeats are not sent, those of another message are. */
const savedHeartbeats = charge('fifoRequests', 'ChangeMessageVisibility', -HEARTBEATS);

export const WAKE_UPS: readonly WakeUp[] = [
  {
    name: 'the token is dropped',
    about:
      'its worker leaves it to the one that was woken. The group is free while the turn runs: the next token takes the turn from its living worker',
    charges: [...wake(HEARTBEATS), ...secondWorker(), savedHeartbeats],
  },
  {
    name: 'the token is passed on',
    about:
      'its worker puts the receipt handle into an item; the one that was woken reads it, holds the token, and deletes both',
    charges: [
      ...wake(1),
      ...secondWorker(),
      charge('writeUnits', 'PutItem RECEIPT', 1),
      charge('readUnits', 'GetItem RECEIPT', 1),
      charge('writeUnits', 'DeleteItem RECEIPT', 1),
    ],
  },
  {
    name: 'the token comes again',
    about:
      'its worker hides it for 15 s, and looks again then; the one that was woken says on the lane every five seconds that it lives',
    charges: [
      ...wake(HEARTBEATS),
      ...secondWorker(),
      // Hidden for longer; and once more when the turn is over.
      charge('fifoRequests', 'ChangeMessageVisibility', 1),
      charge('fifoRequests', 'ReceiveMessage', 1),
      ...secondWorker(),
      charge('writeUnits', 'UpdateItem LANE', HEARTBEATS),
      savedHeartbeats,
    ],
  },
  {
    name: 'its worker waits',
    about: 'as long as the turn takes, in an environment of its own',
    charges: [...wake(HEARTBEATS), ...secondWorker(), charge('lambdaGbSeconds', '512 MB', TURN_GB * 9.5)],
  },
];

/** US dollars per million turns. */
export const usdOf = ({ charges }: WakeUp): number => 1e6 * totalOf(charges);
