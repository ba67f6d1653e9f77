import type { ReportedError } from './protocol.ts';

/** A failed invocation as Lambda reports it: the function's error, its time-out or its end. */
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
