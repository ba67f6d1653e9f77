import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type { Property, PropertyType, Resource } from '@aws-cdk/service-spec-types';

/**
 * Checks a template against the schemas that CloudFormation has for its resource types: properties, their types and allowed
 * values, what is required, and the attributes that references name. A synth checks none of that beyond the CDK's own types.
 */

export interface Template {
  Parameters?: Readonly<Record<string, unknown>>;
  Resources: Readonly<Record<string, TemplateResource>>;
  Outputs?: Readonly<Record<string, unknown>>;
}

interface TemplateResource {
  Type: string;
  Properties?: Readonly<Record<string, unknown>>;
  DependsOn?: string | readonly string[];
}

/** What was compared, and a sentence for each difference. */
export interface SchemaReport {
  checked: { resources: number; properties: number; references: number };
  faults: readonly string[];
}

const schemas = loadAwsServiceSpecSync();

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The name of an intrinsic function whose call the value is. */
function intrinsicOf(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const [name = '', ...more] = Object.keys(value);
  return more.length === 0 && (name === 'Ref' || name.startsWith('Fn::')) ? name : undefined;
}

/** A resource type whose properties a function of the stack defines. */
const isCustom = (type: string): boolean =>
  type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';

const schemaOf = (type: string): Resource | undefined =>
  schemas.lookup('resource', 'cloudFormationType', 'equals', type)[0];

export function checkSchemas(template: Template): SchemaReport {
  const faults: string[] = [];
  const checked = { resources: 0, properties: 0, references: 0 };

  for (const [id, resource] of Object.entries(template.Resources)) {
    checked.resources += 1;
    checkReferences(id, resource);
    if (isCustom(resource.Type)) {
      if (!resource.Properties?.ServiceToken) faults.push(`${id}: ServiceToken is missing`);
      continue;
    }
    const schema = schemaOf(resource.Type);
    if (schema) checkProperties(id, resource.Properties ?? {}, schema.properties);
    else faults.push(`${id}: there is no resource type ${resource.Type}`);
  }
  checkReferences('Outputs', template.Outputs);
  return { checked, faults };

  function checkProperties(
    at: string,
    values: Readonly<Record<string, unknown>>,
    properties: Readonly<Record<string, Property>>,
  ): void {
    for (const [name, { required }] of Object.entries(properties)) {
      if (required && values[name] === undefined) faults.push(`${at}.${name} is missing`);
    }
    for (const [name, value] of Object.entries(values)) {
      const property = properties[name];
      checked.properties += 1;
      if (!property) faults.push(`${at}.${name} is no property of this type`);
      else checkValue(`${at}.${name}`, value, property.type);
    }
  }

  function checkValue(at: string, value: unknown, type: PropertyType): void {
    // A call is known when the stack is deployed. What it refers to is checked by itself.
    if (intrinsicOf(value) !== undefined) return;
    switch (type.type) {
      case 'json':
        return;
      case 'array':
        if (!Array.isArray(value)) expected(at, 'a list', value);
        else for (const [n, one] of value.entries()) checkValue(`${at}[${n}]`, one, type.element);
        return;
      case 'map':
        if (!isObject(value)) expected(at, 'a map', value);
        else for (const [name, one] of Object.entries(value)) checkValue(`${at}.${name}`, one, type.element);
        return;
      case 'ref':
        if (!isObject(value)) expected(at, 'an object', value);
        else checkProperties(at, value, schemas.get('typeDefinition', type.reference).properties);
        return;
      case 'tag':
        if (!isObject(value) || typeof value.Key !== 'string') expected(at, 'a tag', value);
        return;
      case 'union':
        checkUnion(at, value, type.types);
        return;
      default:
        checkScalar(at, value, type);
    }
  }

  function checkScalar(
    at: string,
    value: unknown,
    type: Extract<PropertyType, { type: 'string' | 'date-time' | 'number' | 'integer' | 'boolean' | 'null' }>,
  ): void {
    const isOfType = {
      string: typeof value === 'string',
      'date-time': typeof value === 'string',
      number: typeof value === 'number',
      integer: Number.isInteger(value),
      boolean: typeof value === 'boolean',
      null: value === null,
    }[type.type];
    if (!isOfType) expected(at, type.type, value);
    const allowed: readonly unknown[] | undefined = 'allowedValues' in type ? type.allowedValues : undefined;
    if (isOfType && allowed && !allowed.includes(value)) expected(at, `one of ${allowed.join(', ')}`, value);
  }

  /** A value of a union fits one of its types. The faults are those of the type that it fits best. */
  function checkUnion(at: string, value: unknown, types: readonly PropertyType[]): void {
    const before = faults.splice(0);
    const tries = types.map((type) => {
      checkValue(at, value, type);
      return faults.splice(0);
    });
    const [fewest = []] = tries.toSorted((a, b) => a.length - b.length);
    faults.push(...before, ...fewest);
  }

  function expected(at: string, what: string, value: unknown): void {
    faults.push(`${at} is ${JSON.stringify(value)}: it must be ${what}`);
  }

  /** Each `Ref`, `Fn::GetAtt` and `DependsOn` names something of this template. */
  function checkReferences(at: string, value: unknown): void {
    if (Array.isArray(value)) for (const one of value) checkReferences(at, one);
    if (!isObject(value)) return;
    const name = intrinsicOf(value);
    if (name === 'Ref') checkTarget(at, value.Ref);
    if (name === 'Fn::GetAtt') checkAttribute(at, value['Fn::GetAtt']);
    for (const [key, one] of Object.entries(value)) {
      if (key === 'DependsOn') for (const id of [one].flat()) checkTarget(at, id);
      else checkReferences(at, one);
    }
  }

  function checkTarget(at: string, id: unknown): void {
    checked.references += 1;
    const known =
      typeof id === 'string' &&
      (id.startsWith('AWS::') ||
        Object.hasOwn(template.Resources, id) ||
        Object.hasOwn(template.Parameters ?? {}, id));
    if (!known) faults.push(`${at} refers to ${JSON.stringify(id)}, which the template does not have`);
  }

  function checkAttribute(at: string, reference: unknown): void {
    const [id, attribute] = Array.isArray(reference) ? reference : String(reference).split(/\.(.*)/);
    checkTarget(at, id);
    const type = template.Resources[id]?.Type;
    if (type === undefined || isCustom(type)) return;
    if (!Object.hasOwn(schemaOf(type)?.attributes ?? {}, attribute)) {
      faults.push(`${at} refers to ${id}.${attribute}, which ${type} does not have`);
    }
  }
}
