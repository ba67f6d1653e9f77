import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { coreOf } from '../adapters/environment.ts';
import { parseToken } from '../adapters/sqs/queues.ts';
import { deadlinePassed } from '../core/deadline.ts';

const core = coreOf(process.env);

/** Messages of the delay queue: a turn's wait for its session may be over. */
export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of event.Records) {
    try {
      await deadlinePassed(core, parseToken(record.body));
    } catch (error) {
      core.log.error('deadline failed', { messageId: record.messageId, error: String(error) });
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}
