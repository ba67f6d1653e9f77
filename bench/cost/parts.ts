import { type Charge, priceOf } from './ledger.ts';

export interface Part {
  name: string;
  count: number;
  quantity: number;
  /** Per million turns. */
  usd: number;
}

/** In the order in which they are shown. */
const PARTS: readonly { name: string; has(charge: Charge): boolean }[] = [
  { name: 'frames to the client', has: of('webSocketMessages', 'server') },
  { name: 'frames from the client', has: of('webSocketMessages', 'client') },
  { name: 'turn function, GB-seconds', has: of('lambdaGbSeconds', 'turn') },
  { name: 'other functions, GB-seconds', has: of('lambdaGbSeconds') },
  { name: 'invocations', has: of('lambdaRequests') },
  { name: 'writes: commits of the turn', has: writes('turn', 'LANE') },
  { name: 'writes: events spilled', has: writes('turn', 'EVENTS') },
  { name: 'writes: transcript', has: writes('turn', 'ENTRY') },
  { name: 'writes: messages, outcomes, frames counted, session', has: of('writeUnits') },
  { name: 'reads', has: of('readUnits') },
  { name: 'queue requests, FIFO', has: of('fifoRequests') },
  { name: 'queue requests, standard', has: of('standardRequests') },
  { name: 'log bytes', has: of('logBytes') },
  { name: 'traces, 5 % sampled', has: of('traces') },
  { name: 'bytes out to the internet', has: of('transferBytes') },
  { name: 'connection minutes', has: of('connectionMinutes') },
];

function of(unit: Charge['unit'], by?: string): (charge: Charge) => boolean {
  return (charge) => charge.unit === unit && (by === undefined || charge.by === by);
}

function writes(by: string, kind: string): (charge: Charge) => boolean {
  return (charge) =>
    charge.unit === 'writeUnits' && charge.by === by && charge.what.split(/[ ,]/)[1] === kind;
}

/** Charges by part: each belongs to the first that has it. */
export function partsOf(charges: readonly Charge[]): Part[] {
  const left = new Set(charges);
  const parts = PARTS.map(({ name, has }): Part => {
    const own = [...left].filter(has);
    for (const charge of own) left.delete(charge);
    return {
      name,
      count: own.reduce((sum, { count }) => sum + count, 0),
      quantity: own.reduce((sum, { quantity }) => sum + quantity, 0),
      usd: 1e6 * own.reduce((sum, charge) => sum + priceOf(charge), 0),
    };
  });
  const [forgotten] = left;
  if (forgotten) throw new Error(`No part has ${forgotten.unit} of ${forgotten.by}.`);
  return parts.filter(({ count }) => count > 0);
}
