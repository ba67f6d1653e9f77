import type { SendOptions } from '../index.ts';
import { unsupported } from './content-parts.ts';

const DELIVERIES: readonly unknown[] = ['steer', 'queue', 'now'] satisfies SendOptions['delivery'][];

/** The body's `delivery`. */
export function deliveryOf(body: object | undefined): Pick<SendOptions, 'delivery'> {
  if (!body || !('delivery' in body)) return {};
  if (!isDelivery(body.delivery)) throw unsupported('delivery is "steer", "queue" or "now".');
  return { delivery: body.delivery };
}

/** The call options of the agent, as the body's `options`. */
export function optionsOf(body: object | undefined): Pick<SendOptions, 'options'> {
  if (!body || !('options' in body) || body.options === undefined) return {};
  if (!isRecord(body.options)) throw unsupported('options are an object.');
  return { options: body.options };
}

const isRecord = (value: unknown): value is NonNullable<SendOptions['options']> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isDelivery = (value: unknown): value is NonNullable<SendOptions['delivery']> =>
  DELIVERIES.includes(value);
