import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { storedName } from '../../core/store/stored-names.ts';
import type { Change, Condition, Path, Update } from '../../core/store/update.ts';
import { toAttribute } from './attributes.ts';

/**
 * Translates an `Update` into DynamoDB's expressions. Every attribute name is a placeholder, because client ids and
 * reserved words occur as names.
 */
export interface Expression {
  UpdateExpression?: string;
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, AttributeValue>;
}

export function compile<T>(update: Update<T>): Expression {
  const names = new Map<string, string>();
  const values: Record<string, AttributeValue> = {};
  const name = (part: string) => {
    const known = names.get(part);
    if (known) return known;
    const placeholder = `#n${names.size}`;
    names.set(part, placeholder);
    return placeholder;
  };
  const value = (v: unknown) => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = toAttribute(v);
    return placeholder;
  };
  const path = (p: Path<T>) => {
    const [attribute, ...inside] = typeof p === 'string' ? [p] : p;
    return [storedName(attribute), ...inside].map(name).join('.');
  };

  const condition = (c: Condition<T>): string => {
    switch (c.is) {
      case 'exists':
        return `attribute_exists(${path(c.path)})`;
      case 'absent':
        return `attribute_not_exists(${path(c.path)})`;
      case 'equals':
        return `${path(c.path)} = ${value(c.value)}`;
      case 'differs':
        // DynamoDB implementations differ in comparing with a missing attribute, so the condition names that case.
        return `(attribute_not_exists(${path(c.path)}) OR ${path(c.path)} <> ${value(c.value)})`;
      case 'sizeIs':
        return `size(${path(c.path)}) = ${value(c.value)}`;
      case 'sizeBelow':
        return `size(${path(c.path)}) < ${value(c.value)}`;
      case 'atMost':
        return `${path(c.path)} <= ${value(c.value)}`;
      case 'any':
        return `(${c.of.map(condition).join(' OR ')})`;
    }
  };

  const sets: string[] = [];
  const removes: string[] = [];
  const change = (c: Change<T>): void => {
    const target = path(c.path);
    switch (c.do) {
      case 'set':
        sets.push(`${target} = ${value(c.value)}`);
        break;
      case 'setIfAbsent':
        sets.push(`${target} = if_not_exists(${target}, ${value(c.value)})`);
        break;
      case 'add':
        sets.push(`${target} = ${target} + ${value(c.value)}`);
        break;
      case 'count':
        sets.push(`${target} = if_not_exists(${target}, ${value(0)}) + ${value(c.value)}`);
        break;
      case 'remove':
        removes.push(target);
    }
  };

  const ConditionExpression = update.when.map(condition).join(' AND ');
  for (const c of update.change) change(c);
  const UpdateExpression = [
    ...(sets.length ? [`SET ${sets.join(', ')}`] : []),
    ...(removes.length ? [`REMOVE ${removes.join(', ')}`] : []),
  ].join(' ');
  return {
    ...(UpdateExpression && { UpdateExpression }),
    ...(ConditionExpression && { ConditionExpression }),
    ...(names.size && {
      ExpressionAttributeNames: Object.fromEntries(
        [...names].map(([part, placeholder]) => [placeholder, part]),
      ),
    }),
    ...(Object.keys(values).length && { ExpressionAttributeValues: values }),
  };
}
