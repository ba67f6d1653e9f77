/** What the agent's code prepared for a turn cannot be used. The message has nothing of the conversation. */
export class PreparationError extends Error {
  override readonly name = 'PreparationError';
}
