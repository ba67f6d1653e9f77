/** What the turn has to know about a tool, beside what the model is told. */
export interface ToolPolicy {
  /**
   * Whether a call may be run again when its outcome is unknown, because the worker died while it ran. Without it, the
   * model is told that the outcome is unknown. Default: false.
   */
  idempotent?: boolean;
  /**
   * Whether a person of the session has to approve a call before it is run: all calls, or those whose input this function says so
   * of. One that throws counts as yes. Default: none.
   */
  // `never`, so that it may name the type of its tool's input.
  needsApproval?: boolean | ((input: never) => boolean | Promise<boolean>);
  /**
   * Whether a message with `delivery: now` stops a call that runs: its `abortSignal` fires, and whatever it then gives or throws is its
   * result. Without it, such a message waits for the call. An abort of the turn stops any tool. Default: false.
   */
  abortable?: boolean;
  /** How long a call may take, in seconds; then its signal is aborted and its result says so. Default: 60. */
  timeoutSeconds?: number;
}
