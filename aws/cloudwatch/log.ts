import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import type { LogLevel } from '../../config/settings/logs.ts';
import type { Log } from '../../core/ports.ts';

export interface InvocationLog extends Log {
  /** Adds this invocation's request id to all later lines. */
  begin(context: Context): void;
}

/** Writes each entry as a line of JSON, which CloudWatch Logs Insights parses. */
export function structuredLog(level: LogLevel): InvocationLog {
  const logger = new Logger({ serviceName: 'midturn', logLevel: level });
  return {
    ...logWith(logger, {}),
    begin: ({ awsRequestId, functionName }) =>
      // Not all that the logger knows of the invocation: the ARN and the memory would be half of each line's bytes.
      logger.appendKeys({ function_request_id: awsRequestId, function_name: functionName }),
  };
}

const logWith = (logger: Logger, always: Record<string, unknown>): Log => ({
  info: (message, fields) => logger.info(message, { ...always, ...fields }),
  warn: (message, fields) => logger.warn(message, { ...always, ...fields }),
  error: (message, fields) => logger.error(message, { ...always, ...fields }),
  with: (fields) => logWith(logger, { ...always, ...fields }),
});
