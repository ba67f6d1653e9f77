import type { Properties } from '../template/properties.ts';
import { isMap } from '../template/resolve.ts';
import type { Value } from '../template/template.ts';

/**
 * What a rule's target is given of an event: all of it, a constant, a part, or a template with parts of it. Source:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 *
 * @returns JSON text, or another text where the template makes one
 */
export function inputOf(target: Properties, event: Value): string {
  const constant = target.optionalText('Input');
  if (constant !== undefined) return constant;
  const path = target.optionalText('InputPath');
  if (path !== undefined) return JSON.stringify(at(event, path) ?? null);
  if (!Object.hasOwn(target.all, 'InputTransformer')) return JSON.stringify(event);
  const transformer = target.nested('InputTransformer');
  const paths = transformer.nested('InputPathsMap').all;
  const values = new Map(Object.entries(paths).map(([name, path]) => [name, at(event, String(path))]));
  return fillIn(transformer.text('InputTemplate'), values);
}

/** `$.detail.items[0].name` */
function at(event: Value, path: string): Value | undefined {
  const keys = path.match(/[^.[\]$]+/g) ?? [];
  return keys.reduce<Value | undefined>((value, key) => {
    if (Array.isArray(value)) return value[Number(key)];
    return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }, event);
}

/** Inside of a JSON string, a text stands without quotes of its own. What an event does not have is an empty text. */
function fillIn(template: string, values: ReadonlyMap<string, Value | undefined>): string {
  let isInString = false;
  return template.replaceAll(/\\.|"|<([\w-]+)>/gs, (found, name?: string) => {
    if (found === '"') isInString = !isInString;
    if (name === undefined || !values.has(name)) return found;
    const value = values.get(name) ?? '';
    if (!isInString) return JSON.stringify(value);
    return typeof value === 'string'
      ? JSON.stringify(value).slice(1, -1)
      : JSON.stringify(value).replaceAll('"', '\\"');
  });
}
