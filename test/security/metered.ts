import { expect, vi } from 'vitest';
import { totalOf } from '../../bench/cost/ledger.ts';
import { type Meter, meterCloud } from '../../bench/cost/meter.ts';
import { end } from '../support/frames.ts';
import type { SharedStack } from '../support/stack.ts';
import { POLL_MS, WAIT_MS } from '../support/timeouts.ts';
import type { WsClient } from '../support/ws-client.ts';
import { type Outcome, table } from './outcome.ts';

/** What an attack may cost, as a multiple of what a well-behaved client costs that sends as many frames. */
const BOUND = 20;
/** Messages of the well-behaved client. */
const POLITE = 10;

/** What the clients of an attack were sent, and what of it was refused. `refused`: at handshakes, which no client sees. */
interface Played {
  clients: readonly WsClient[];
  tried: number;
  refused?: number;
}

/** Attacks on one stack, each metered by the calls that AWS bills (bench/cost). */
export interface Attacks {
  /** Meters an attack with all that follows from it, and demands that it costs less than the bound. */
  metered(attack: string, play: () => Promise<Played>): Promise<Outcome>;
  /** For people. */
  table(): string;
}

const isRefusal = (frame: WsClient['frames'][number]) => frame.type === 'error' && !frame.terminal;
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** Sends messages, each when the one before is answered. */
export async function converse(stack: SharedStack, client: WsClient, turns: number): Promise<void> {
  stack.script(() => ({ chunks: ['ok'] }));
  for (let n = 1; n <= turns; n++) {
    client.send({ type: 'message', id: `m${n}`, content: 'hello' });
    await end(client, n);
  }
}

/** @param polite a connection that nothing was sent over, of a principal that attacks nobody */
export async function meterAttacks(stack: SharedStack, polite: WsClient): Promise<Attacks> {
  const meter = meterCloud(stack.cloud);
  const outcomes: Outcome[] = [];
  const measure = async (attack: string, play: () => Promise<Played>): Promise<Outcome> => {
    await settled(meter);
    meter.ledger.take();
    const { clients, tried, refused = 0 } = await play();
    await settled(meter);
    const { charges } = meter.ledger.take();
    const calls = charges.filter(({ unit }) => unit === 'readUnits' || unit === 'writeUnits');
    const outcome = {
      attack,
      tried,
      refused: refused + clients.flatMap(({ frames }) => frames.filter(isRefusal)).length,
      framesOut: sumOf(clients.map(({ frames }) => frames.length)),
      calls: sumOf(calls.map(({ count }) => count)),
      readUnits: sumOf(calls.map(({ unit, quantity }) => (unit === 'readUnits' ? quantity : 0))),
      usd: totalOf(charges),
    };
    outcomes.push(outcome);
    return outcome;
  };
  const perFrame = ({ usd, tried }: Outcome) => usd / tried;
  const basis = perFrame(
    await measure('none: messages, each answered', async () => {
      await converse(stack, polite, POLITE);
      return { clients: [polite], tried: POLITE };
    }),
  );
  return {
    async metered(attack, play) {
      const outcome = await measure(attack, play);
      expect(outcome.tried).toBeGreaterThan(0);
      expect(perFrame(outcome) / basis).toBeLessThan(BOUND);
      return outcome;
    },
    table: () => table(outcomes, basis),
  };
}

/** Waits until nothing is under way: the same calls at two looks. */
async function settled({ ledger }: Meter): Promise<void> {
  let before = -1;
  await vi.waitFor(
    () => {
      const now = sumOf(ledger.charges.map(({ count }) => count));
      const rests = now === before;
      before = now;
      expect(rests).toBe(true);
    },
    { timeout: WAIT_MS, interval: 10 * POLL_MS },
  );
}
