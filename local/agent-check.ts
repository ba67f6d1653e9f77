import { LocalCloudError } from './errors.ts';

/**
 * Loads the agent's definition as the turn function will, so that a mistake shows at start and not in the log of the
 * first turn. Other errors of the module may depend on where it runs, and are left to the function.
 * @throws {LocalCloudError} with the definition's error
 */
export async function checkAgent(
  read: () => Promise<unknown> = () => import('../agent/agent.ts'),
): Promise<void> {
  try {
    await read();
  } catch (error) {
    // Compared by name: the module may use another copy of the class.
    if (!(error instanceof Error) || error.name !== 'AgentDefinitionError') return;
    throw new LocalCloudError(`agent/agent.ts: ${error.message}`);
  }
}
