import { offeredAgents } from '../../config/settings/sessions.ts';
import type { Core } from '../core.ts';
import { agentFixed, agentUnavailable, reply } from '../replies.ts';
import { sessionKey } from '../store/keys.ts';
import type { Sender } from './acknowledge.ts';

/**
 * Tells a client at once that the session cannot have the agent that its `connect` asks for. The turn function tells it again of each
 * message, since only the agent's code knows who may have which.
 */
export async function refuseAgent(core: Core, sender: Sender, wish: string | undefined): Promise<void> {
  if (wish === undefined) return;
  const session = await core.store.get(sessionKey(sender.connection.session));
  if (session?.agent === wish) return;
  if (session?.agent !== undefined) await reply(core, sender.id, agentFixed());
  else if (!offeredAgents(core.sessionSettings).includes(wish))
    await reply(core, sender.id, agentUnavailable());
}
