import type { Core } from '../core.ts';
import { reply, sessionDeleted } from '../replies.ts';
import { revokeTrust, tellTrusts } from '../session/trusts.ts';
import type { Sender } from './acknowledge.ts';

/**
 * Revokes what `always` covered, from any of the session's connections: who may approve may revoke. From now on such calls
 * are asked about.
 */
export async function revokeTrusts(core: Core, sender: Sender, trust: string | undefined): Promise<void> {
  const session = await revokeTrust(core, sender.connection.session, trust);
  if (session) await tellTrusts(core, session, sender.id);
  else await reply(core, sender.id, sessionDeleted());
}
