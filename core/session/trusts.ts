import type { ReplyFrame } from '../../protocol/server-frames.ts';
import type { Core } from '../core.ts';
import { idsOf, type SessionKey } from '../ids.ts';
import { reply } from '../replies.ts';
import type { Session } from '../store/items.ts';
import { sessionKey } from '../store/keys.ts';
import { revoke, trust } from '../store/session-writes.ts';

/**
 * Which calls a user has approved for all of a session. A trust is what an `always` covered: a tool's name, or the name, a
 * colon and what the agent counts as the same call. It is in force from when it is stored until it is revoked.
 */

/** As JSON. `session_start` has all of them in one frame. Where they are more, the oldest give way, and are asked about again. */
const MAX_TRUSTED_BYTES = 8 * 1024;

/** The trusts that are in force, oldest first. */
export function trustedIn(session: Pick<Session, 'trusted'> | undefined): readonly string[] {
  const stored = session?.trusted ?? [];
  let bytes = 0;
  const first = stored.findLastIndex((one) => {
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1;
    return bytes > MAX_TRUSTED_BYTES;
  });
  return stored.slice(first + 1);
}

/**
 * Stores a trust, unless trusts were revoked since the `always` that it follows from. Idempotent.
 *
 * @param decidedAt how often trusts had been revoked when the user decided
 * @returns the session as it is then; undefined if it is deleted
 */
export async function keepTrust(
  core: Pick<Core, 'store'>,
  key: SessionKey,
  covers: string,
  decidedAt: number,
): Promise<Session | undefined> {
  for (;;) {
    const session = await core.store.get(sessionKey(key));
    if (!session || session.deleted !== undefined) return undefined;
    const trusted = trustedIn(session);
    if (trusted.includes(covers)) return session;
    // rule: revoked-always-is-not-kept
    if (decidedAt !== (session.revocations ?? 0)) return session;
    const written = await core.store.update(
      sessionKey(key),
      trust(session, trustedIn({ trusted: [...trusted, covers] })),
    );
    if (written.ok) return written.item;
  }
}

/**
 * Revokes a trust, or all, and every `always` that is decided and not stored yet. What was asked about before is not undone:
 * a call that runs goes on.
 *
 * @returns the session as it is then; undefined if it is deleted
 */
export async function revokeTrust(
  core: Pick<Core, 'store'>,
  key: SessionKey,
  which: string | undefined,
): Promise<Session | undefined> {
  const isLeft = (one: string) => which !== undefined && one !== which;
  for (let since: number | undefined; ; ) {
    const session = await core.store.get(sessionKey(key));
    if (!session || session.deleted !== undefined) return undefined;
    const { revocations = 0 } = session;
    const trusted = trustedIn(session);
    // A refused write may be a repeat: this revocation, or one that came after this request, is stored.
    if (since !== undefined && revocations > since && trusted.every(isLeft)) return session;
    since ??= revocations;
    const written = await core.store.update(sessionKey(key), revoke(session, trusted.filter(isLeft)));
    if (written.ok) return written.item;
  }
}

/** What a session's clients are told of its trusts. */
export const trustFields = (session: Session | undefined) => ({
  trusted: [...trustedIn(session)],
  revocations: session?.revocations ?? 0,
});

/** Tells every listener of the session what is trusted now, and who else asked. */
export async function tellTrusts(
  core: Pick<Core, 'gateway' | 'clock' | 'log' | 'metrics'>,
  session: Session,
  ...others: Parameters<typeof reply>[1][]
): Promise<void> {
  const frame: ReplyFrame = { type: 'trusted', ...trustFields(session) };
  const listeners = new Set([...others, ...idsOf(session.audience)]);
  // At the same time: one that does not answer does not hold up the others.
  await Promise.all([...listeners].map((connection) => reply(core, connection, frame)));
}
