import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { required } from '../adapters/environment.ts';
import { parseToken, sqsQueues } from '../adapters/sqs/queues.ts';
import { jsonLog, randomId } from '../adapters/system/system.ts';

const log = jsonLog();
const queues = sqsQueues(required(process.env, 'MIDTURN_TURN_QUEUE_URL'), '');

/**
 * Dead letters of the turn queue: the token is sent again, so that its session does not stay closed. The turn itself
 * counts its attempts and ends in an error that is committed like any other.
 */
export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of event.Records) {
    try {
      const token = parseToken(record.body);
      log.warn('token came back from the dead-letter queue', { slot: token.slot });
      await queues.sendToken(token, randomId());
    } catch (error) {
      log.error('dead letter cannot be sent again', { messageId: record.messageId, error: String(error) });
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}
