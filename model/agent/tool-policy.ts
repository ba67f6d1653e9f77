/** The properties of a tool that the turn uses. The model does not see them. */
export interface ToolPolicy {
  /**
   * Whether a call may run again when its outcome is unknown, because the worker died while it ran. If not, the model
   * is told that the outcome is unknown. Default: false.
   */
  idempotent?: boolean;
  /**
   * Whether a user of the session must approve a call before it runs: every call, or the calls for which this function
   * returns true. If it throws, the call needs approval. Default: what the AI SDK's tool says, or false.
   */
  // The parameter is `never`, so that a function may declare the type of its tool's input.
  needsApproval?: boolean | ((input: never, options: never) => boolean | PromiseLike<boolean>);
  /**
   * Whether a user may answer `always`, so that later calls of the session run unasked: all calls of the tool, or the calls
   * for which this function returns the same text (at most 200 characters) as for the approved one. Default: true where
   * `needsApproval` is true. False where it is a function: what one call is approved for says nothing about the next one.
   *
   * @example always: ({ account }: { account: string }) => account
   */
  // The parameter is `never`, as above.
  always?: boolean | ((input: never) => string | Promise<string>);
  /**
   * Whether a message with `delivery: now` stops a running call. Its `abortSignal` is aborted, and what it then returns
   * or throws is its result. If false, the message waits for the call. Aborting a turn stops every tool. Default:
   * false.
   */
  abortable?: boolean;
  /**
   * Whether calls are given the token of the user who asks: `context.userToken()` of a tool, `Authorization: Bearer` of an MCP server. The
   * deployment keeps tokens where `MIDTURN_FORWARD_TOKEN_KEY` is set. A call without a token fails, in words for the model. Default: false.
   */
  forwardToken?: boolean;
  /** Time limit of a call in seconds. Then its signal is aborted, and its result says so. Default: 60. */
  timeoutSeconds?: number;
}
