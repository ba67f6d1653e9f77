import { type BilledUnit, costOf, PRICES } from './prices.ts';

/** Something that AWS bills. */
export interface Charge {
  unit: BilledUnit;
  /** The function whose call it is, or `client`. */
  by: string;
  /** What was done, and to what kind of item: `UpdateItem LANE`. */
  what: string;
  /** How often. */
  count: number;
  /** In the price list's units. */
  quantity: number;
}

type Line = Pick<Charge, 'unit' | 'by' | 'what'>;
const keyOf = ({ unit, by, what }: Line): string => `${unit} ${by} ${what}`;

/** Charges added up, one for each kind. */
export class Ledger {
  readonly #charges = new Map<string, Charge>();

  constructor(charges: readonly Charge[] = []) {
    for (const charge of charges) this.add(charge);
  }

  add(charge: Charge): void {
    const known = this.#charges.get(keyOf(charge));
    this.#charges.set(keyOf(charge), {
      ...charge,
      count: (known?.count ?? 0) + charge.count,
      quantity: (known?.quantity ?? 0) + charge.quantity,
    });
  }

  get charges(): readonly Charge[] {
    return [...this.#charges.values()];
  }

  /** How often a thing was done. */
  count(unit: BilledUnit, by: string, what: string): number {
    return this.#charges.get(keyOf({ unit, by, what }))?.count ?? 0;
  }

  quantity(unit: BilledUnit): number {
    return this.charges.reduce((sum, charge) => (charge.unit === unit ? sum + charge.quantity : sum), 0);
  }

  /** Takes out all that is in it, as a ledger of its own. */
  take(): Ledger {
    const taken = new Ledger(this.charges);
    this.#charges.clear();
    return taken;
  }
}

/** US dollars. */
export const priceOf = ({ unit, quantity }: Charge): number => costOf(PRICES[unit], quantity);
export const totalOf = (charges: readonly Charge[]): number =>
  charges.reduce((sum, charge) => sum + priceOf(charge), 0);

/** What one of several turns came to on average. */
export function average(ledgers: readonly Ledger[]): Charge[] {
  const n = ledgers.length;
  const sum = new Ledger(ledgers.flatMap(({ charges }) => charges));
  return sum.charges.map((charge) => ({ ...charge, count: charge.count / n, quantity: charge.quantity / n }));
}

/** The same, had the turn function another memory: it waits for the model for as long, so its time stays the same. */
export const withTurnMemory = (charges: readonly Charge[], mb: number, was: number): Charge[] =>
  charges.map((charge) =>
    charge.unit === 'lambdaGbSeconds' && charge.by === 'turn'
      ? { ...charge, quantity: (charge.quantity * mb) / was }
      : charge,
  );
