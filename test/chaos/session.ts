import { asSessionId, type SessionKey } from '../../core/ids.ts';
import type { Principal } from '../../core/store/items.ts';
import { sessionOf } from '../../core/store/keys.ts';

/**
 * A session of a chaos run. Its label is in every message and in every word of the model, so that the judge finds text of
 * one session in another (P12). Sessions of different principals have the same ids on purpose.
 */
export interface ChaosSession {
  /** `ann.s1` */
  label: string;
  sessionId: string;
  principal: Principal;
  token: string;
  /** The session in keys of the table. */
  key: SessionKey;
}

const PRINCIPALS = ['ann', 'bob'].map((subject) => ({
  principal: { tenant: 'acme', subject },
  token: `token-of-${subject}`,
}));

/** `MIDTURN_TOKENS` for all principals. */
export const TOKENS = PRINCIPALS.map(
  ({ principal, token }) => `${token}=${principal.tenant}/${principal.subject}`,
).join(',');

export function makeSessions(count: number): ChaosSession[] {
  return Array.from({ length: count }, (_, i) => {
    const { principal, token } = PRINCIPALS[i % PRINCIPALS.length] ?? never();
    const sessionId = `s${Math.floor(i / PRINCIPALS.length) + 1}`;
    const label = `${principal.subject}.${sessionId}`;
    return { label, sessionId, principal, token, key: sessionOf(principal, asSessionId(sessionId)) };
  });
}

/** The labels that a text names: of messages (`ann.s1.A.m1`) and of words of the model (`ann.s1/7.1`). */
export const labelsIn = (text: string): Set<string> => new Set(text.match(/\b(?:ann|bob)\.s\d+/g));

function never(): never {
  throw new Error('there is no principal');
}
