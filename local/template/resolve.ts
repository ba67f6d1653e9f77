import { LocalCloudError } from '../errors.ts';
import type { Template, Value } from './template.ts';

/** The meaning of references here: a resource's `Ref` and attributes, and the pseudo parameters. */
export interface Meanings {
  ref(logicalId: string): Value;
  attribute(logicalId: string, name: string): Value;
  /** Pseudo parameters such as `AWS::Region`. */
  pseudo: Readonly<Record<string, Value>>;
}

/** Marks a value to omit: `Ref: AWS::NoValue`. */
const ABSENT = Symbol('AWS::NoValue');
type Resolved = Value | typeof ABSENT;

export interface Resolver {
  /** Resolves intrinsic functions in a value. @throws {LocalCloudError} naming what cannot be resolved */
  resolve(value: Value): Value;
  /** Whether a named condition holds. */
  condition(name: string): boolean;
}

type Intrinsic = (argument: Value) => Resolved;

/** CloudFormation's intrinsic functions on one template. */
export function createResolver(template: Template, meanings: Meanings): Resolver {
  const intrinsics: ReadonlyMap<string, Intrinsic> = new Map([
    ['Ref', (argument) => reference(text(argument, 'Ref'))],
    [
      'Fn::GetAtt',
      (argument) => {
        const [id, ...path] =
          typeof argument === 'string' ? argument.split('.') : texts(argument, 'Fn::GetAtt');
        return meanings.attribute(id ?? '', path.join('.'));
      },
    ],
    [
      'Fn::Join',
      (argument) => {
        const [separator, parts] = list(argument, 'Fn::Join');
        return texts(resolve(parts ?? []), 'Fn::Join').join(text(separator ?? '', 'Fn::Join'));
      },
    ],
    [
      'Fn::Sub',
      (argument) => {
        const [pattern, variables] = typeof argument === 'string' ? [argument] : list(argument, 'Fn::Sub');
        return substitute(text(pattern ?? '', 'Fn::Sub'), isMap(variables) ? variables : {});
      },
    ],
    [
      'Fn::Select',
      (argument) => {
        const [index, from] = list(argument, 'Fn::Select');
        const chosen = list(resolve(from ?? []), 'Fn::Select')[Number(resolve(index ?? 0))];
        if (chosen === undefined)
          throw new LocalCloudError(`Fn::Select: nothing at ${JSON.stringify(index)}.`);
        return chosen;
      },
    ],
    [
      'Fn::Split',
      (argument) => {
        const [separator, from] = list(argument, 'Fn::Split');
        return text(resolve(from ?? ''), 'Fn::Split').split(text(separator ?? '', 'Fn::Split'));
      },
    ],
    [
      'Fn::If',
      (argument) => {
        const [name, then, otherwise] = list(argument, 'Fn::If');
        return resolveOrAbsent((condition(text(name ?? '', 'Fn::If')) ? then : otherwise) ?? null);
      },
    ],
    [
      'Fn::FindInMap',
      (argument) => {
        const [map, first, second] = texts(resolve(argument), 'Fn::FindInMap');
        const found = template.Mappings?.[map ?? '']?.[first ?? '']?.[second ?? ''];
        if (found === undefined) throw new LocalCloudError(`Fn::FindInMap: no ${map}.${first}.${second}.`);
        return resolve(found);
      },
    ],
    [
      'Fn::Base64',
      (argument) => Buffer.from(text(resolve(argument), 'Fn::Base64'), 'utf8').toString('base64'),
    ],
    [
      'Fn::Equals',
      (argument) => {
        const [left, right] = list(resolve(argument), 'Fn::Equals');
        return JSON.stringify(left) === JSON.stringify(right);
      },
    ],
    ['Fn::And', (argument) => list(argument, 'Fn::And').every(holds)],
    ['Fn::Or', (argument) => list(argument, 'Fn::Or').some(holds)],
    ['Fn::Not', (argument) => !list(argument, 'Fn::Not').every(holds)],
    ['Condition', (argument) => condition(text(argument, 'Condition'))],
  ] satisfies [string, Intrinsic][]);

  function holds(value: Value): boolean {
    return resolve(value) === true;
  }

  function condition(name: string): boolean {
    const expression = template.Conditions?.[name];
    if (expression === undefined) throw new LocalCloudError(`The template has no condition ${name}.`);
    return holds(expression);
  }

  function reference(name: string): Resolved {
    if (name === 'AWS::NoValue') return ABSENT;
    const pseudo = meanings.pseudo[name];
    if (pseudo !== undefined) return pseudo;
    if (name.startsWith('AWS::')) throw new LocalCloudError(`The local cloud does not know ${name}.`);
    const parameter = template.Parameters?.[name];
    if (parameter) {
      if (parameter.Default === undefined) throw new LocalCloudError(`Parameter ${name} has no value.`);
      return parameter.Default;
    }
    return meanings.ref(name);
  }

  function substitute(pattern: string, variables: Readonly<Record<string, Value>>): string {
    return pattern.replaceAll(/\$\{([^}]*)\}/g, (_, inner: string) => {
      if (inner.startsWith('!')) return `\${${inner.slice(1)}}`;
      const variable = variables[inner];
      if (variable !== undefined) return text(resolve(variable), 'Fn::Sub');
      const dot = inner.indexOf('.');
      const value =
        dot < 0 ? reference(inner) : meanings.attribute(inner.slice(0, dot), inner.slice(dot + 1));
      return value === ABSENT ? '' : text(value, 'Fn::Sub');
    });
  }

  function resolveOrAbsent(value: Value): Resolved {
    if (Array.isArray(value)) return value.map(resolveOrAbsent).filter((item) => item !== ABSENT);
    if (!isMap(value)) return value;
    const entries = Object.entries(value);
    const [only] = entries;
    if (only && entries.length === 1) {
      const [name, argument] = only;
      const intrinsic = intrinsics.get(name);
      // In a policy statement, `Condition` is an ordinary key. Only a string is a reference to a condition.
      if (intrinsic && !(name === 'Condition' && typeof argument !== 'string')) return intrinsic(argument);
      if (name.startsWith('Fn::')) throw new LocalCloudError(`The local cloud does not know ${name}.`);
    }
    const resolved: Record<string, Value> = {};
    for (const [key, item] of entries) {
      const result = resolveOrAbsent(item);
      if (result !== ABSENT) resolved[key] = result;
    }
    return resolved;
  }

  function resolve(value: Value): Value {
    const resolved = resolveOrAbsent(value);
    return resolved === ABSENT ? null : resolved;
  }

  return { resolve, condition };
}

export function isMap(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: Value, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new LocalCloudError(`${where}: ${JSON.stringify(value)} is not a string.`);
}

function list(value: Value, where: string): readonly Value[] {
  if (Array.isArray(value)) return value;
  throw new LocalCloudError(`${where}: ${JSON.stringify(value)} is not a list.`);
}

function texts(value: Value, where: string): string[] {
  return list(value, where).map((item) => text(item, where));
}
