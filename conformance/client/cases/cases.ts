import type { Case } from '../case.ts';
import { HANDSHAKE } from './handshake.ts';
import { MESSAGES } from './messages.ts';
import { ORDER } from './order.ts';
import { RESUME } from './resume.ts';
import { TURNS } from './turns.ts';

/** Every case, in the order of the report. */
export const CASES: readonly Case[] = [...HANDSHAKE, ...ORDER, ...MESSAGES, ...RESUME, ...TURNS];
