import { LocalCloudError } from '../errors.ts';
import { isMap } from './resolve.ts';
import type { Value } from './template.ts';

/** Resolved properties of a resource, read with their required types. */
export interface Properties {
  readonly all: Readonly<Record<string, Value>>;
  /** @throws {LocalCloudError} if it is missing or no string */
  text(name: string): string;
  optionalText(name: string): string | undefined;
  number(name: string): number | undefined;
  flag(name: string): boolean;
  list(name: string): readonly Value[];
  /** Nested properties; empty if absent. */
  nested(name: string): Properties;
}

export function readProperties(owner: string, all: Readonly<Record<string, Value>>): Properties {
  const refuse = (name: string, expected: string): never => {
    throw new LocalCloudError(`${owner}: ${name} is ${JSON.stringify(all[name])}, not ${expected}.`);
  };
  const optionalText = (name: string): string | undefined => {
    const value = all[name];
    return value === undefined || typeof value === 'string' ? value : refuse(name, 'a string');
  };
  return {
    all,
    optionalText,
    text: (name) => optionalText(name) ?? refuse(name, 'a string'),
    number(name) {
      const value = all[name];
      if (value === undefined) return undefined;
      // CloudFormation accepts numbers as strings too.
      const number = Number(value);
      return Number.isFinite(number) ? number : refuse(name, 'a number');
    },
    flag: (name) => all[name] === true || all[name] === 'true',
    list(name) {
      const value = all[name] ?? [];
      return Array.isArray(value) ? value : refuse(name, 'a list');
    },
    nested(name) {
      const value = all[name] ?? {};
      return isMap(value) ? readProperties(`${owner}.${name}`, value) : refuse(name, 'an object');
    },
  };
}
