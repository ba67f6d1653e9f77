/** A call's failure, in words for the model and the user. */
export class McpToolError extends Error {
  override readonly name = 'McpToolError';
}
