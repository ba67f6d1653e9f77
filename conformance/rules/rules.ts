import type { Rule } from '../rule.ts';
import { ABORT } from './abort.ts';
import { ALWAYS } from './always.ts';
import { CANCEL } from './cancel.ts';
import { CODES } from './codes.ts';
import { DELIVERY } from './delivery.ts';
import { HANDSHAKE } from './handshake.ts';
import { HISTORY } from './history.ts';
import { IDEMPOTENCY } from './idempotency.ts';
import { ORDER } from './order.ts';
import { PING } from './ping.ts';
import { RESUME } from './resume.ts';
import { SESSIONS } from './sessions.ts';
import { STEERING } from './steering.ts';

/** Every rule, in the order of the report. */
export const RULES: readonly Rule[] = [
  ...HANDSHAKE,
  ...ORDER,
  ...STEERING,
  ...DELIVERY,
  ...CODES,
  ...RESUME,
  ...IDEMPOTENCY,
  ...ABORT,
  ...CANCEL,
  ...HISTORY,
  ...SESSIONS,
  ...PING,
  ...ALWAYS,
];
