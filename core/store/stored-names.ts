import { ownValue } from '../own-value.ts';

/**
 * Attribute names that the table holds under another name than the code. An item is billed with its attribute names, and
 * items of earlier versions have these. The names are top-level attributes of all kinds of items alike.
 */
const STORED_NAMES: Readonly<Record<string, string>> = {
  commitId: 'mark',
  forwarded: 'elsewhere',
  lastOrder: 'counted',
  lease: 'holder',
  opened: 'greeted',
  opener: 'greeter',
  outcome: 'fate',
  previousIds: 'prev',
  undelivered: 'notices',
  unspilled: 'tail',
  usage: 'meter',
};

const CODE_NAMES = new Map(Object.entries(STORED_NAMES).map(([name, stored]) => [stored, name]));

/** The attribute's name in the table. */
export const storedName = (name: string): string => ownValue(STORED_NAMES, name) ?? name;

/** An item with the names that it has in the table. */
export const toStored = <T>(item: T): Record<string, unknown> =>
  Object.fromEntries(Object.entries(item ?? {}).map(([name, value]) => [storedName(name), value]));

/** An item of the table with the names that it has in the code. */
export const fromStored = (item: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [CODE_NAMES.get(name) ?? name, value]));
