/**
 * The functions of the stack. Each is a folder of `lambdas/` with a `handler.ts`, and a row of `infra/function-table.ts`. `send` and
 * `http` are in the stacks that ask for them.
 */
export const FUNCTION_NAMES = [
  'authorizer',
  'connection',
  'inbound',
  'turn',
  'deadline',
  'redrive',
  'send',
  'http',
] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];
