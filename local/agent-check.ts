import { LocalCloudError } from './errors.ts';

/**
 * Reads the agent's definition as the turn function will: a mistake in it shows where somebody looks, and not in the log of the
 * first turn. What else a module of the agent's may throw depends on where it runs, and is left to the function.
 * @throws {LocalCloudError} with the definition's own complaint.
 */
export async function checkAgent(
  read: () => Promise<unknown> = () => import('../agent/agent.ts'),
): Promise<void> {
  try {
    await read();
  } catch (error) {
    // By its name: the agent may have been read from another copy of the class.
    if (!(error instanceof Error) || error.name !== 'AgentDefinitionError') return;
    throw new LocalCloudError(`agent/agent.ts: ${error.message}`);
  }
}
