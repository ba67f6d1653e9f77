import type { Charge } from './ledger.ts';
import type { BilledUnit } from './prices.ts';
import { fewestChunks, REFERENCE } from './reference-turn.ts';

/** A way to build the same product, as the calls that its reference turn takes: computed, not run. */
export interface Design {
  name: string;
  /** Where it differs, in one line. */
  about: string;
  charges: Charge[];
}

/** What every design of these functions does alike, taken from the turns that were run. */
export interface Common {
  /** GB-seconds of the turn function, which waits for the model and the tools whatever else it does. */
  turnGbSeconds: number;
  /** Bytes of all text, and of what each frame of text has around it. */
  textBytes: number;
  envelopeBytes: number;
  /** Frames that are no text: replies, tool calls, beginning and end. */
  otherFrames: number;
  /** Of all of them. */
  otherBytes: number;
  /** Charges of taking the messages in, as they are: inbound function, queue, logs, traces. */
  intake: readonly Charge[];
}

const TOKENS = REFERENCE.tokens.reduce((sum, tokens) => sum + tokens, 0);
const STEPS = REFERENCE.tokens.length;
/** Replies are posted, not stored: two `accepted`. */
const REPLIES = 2;
/** Two user messages, three answers, two calls with their results, how it ended. */
const ENTRIES = 10;
/** Session admitted, activated and rolled; each boundary reads what waits, the first the transcript. */
const SESSION_WRITES = 3;
const READS = STEPS + 2;
const SECOND_MS = 1000;
/** A write in a transaction costs two units. */
const TRANSACTED = 2;

/** @param windowMs as ours gathers */
export function designsOf(common: Common, windowMs: number): Design[] {
  const events = common.otherFrames - REPLIES;
  const windows = fewestChunks(windowMs);
  const seconds = fewestChunks(SECOND_MS);
  return [
    {
      name: 'token per frame',
      about: `${TOKENS} text frames; each event is put before it is posted`,
      charges: turn(common, TOKENS, TOKENS + events),
    },
    {
      name: 'transaction per flush',
      about: `${windows} text frames, one each ${windowMs} ms; each flush is a transaction of an event and its session`,
      charges: turn(common, windows, 2 * TRANSACTED * (windows + events)),
    },
    {
      name: 'floor',
      about: `${seconds} text frames, one a second; a log write at the end of each step; text that was shown can be lost`,
      charges: turn(common, seconds, STEPS),
    },
  ];
}

function turn(common: Common, textFrames: number, logWriteUnits: number): Charge[] {
  const charge = (unit: BilledUnit, by: string, what: string, quantity: number): Charge => ({
    unit,
    by,
    what,
    count: quantity,
    quantity,
  });
  const bytes = common.textBytes + textFrames * common.envelopeBytes + common.otherBytes;
  return [
    ...common.intake,
    charge('webSocketMessages', 'server', 'message', textFrames + common.otherFrames),
    charge('transferBytes', 'server', 'message', bytes),
    charge('lambdaGbSeconds', 'turn', 'turn', common.turnGbSeconds),
    charge('writeUnits', 'turn', 'PutItem EVENTS', logWriteUnits),
    charge('writeUnits', 'turn', 'PutItem ENTRY', ENTRIES),
    charge('writeUnits', 'turn', 'UpdateItem SESSION', SESSION_WRITES),
    charge('readUnits', 'turn', 'GetItem', READS),
  ];
}
