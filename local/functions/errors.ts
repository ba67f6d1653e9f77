import type { ReportedError } from './protocol.ts';

/** What Lambda reports to whoever invoked: the function's own error, its time-out or its end. */
export class FunctionError extends Error {
  override readonly name = 'FunctionError';
  readonly errorType: string;
  readonly trace: readonly string[];

  constructor({ errorType, errorMessage, trace = [] }: ReportedError) {
    super(errorMessage);
    this.errorType = errorType;
    this.trace = trace;
  }
}
