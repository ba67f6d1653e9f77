import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { parseTurnMessage, sqsQueues } from '../../aws/sqs/queues.ts';
import { randomId } from '../../aws/system.ts';
import { required } from '../core-of.ts';

const instruments = instrumentsOf(process.env, 'redrive');
const queues = sqsQueues(required(process.env, 'MIDTURN_TURN_QUEUE_URL'), '');

/**
 * Handles dead letters of the turn queue: sends the turn job again, so that its session is not blocked. The turn
 * counts its attempts, and ends in a committed `error` event after the last one.
 */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  instruments.invocation(context, () => receive(event));

async function receive(event: SQSEvent): Promise<SQSBatchResponse> {
  const { log } = instruments;
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const { body, messageId } of event.Records) {
    try {
      const message = parseTurnMessage(body);
      // Whoever it was sent for has come since.
      if ('wake' in message) continue;
      if ('compaction' in message) {
        const { session, from } = message.compaction;
        log.warn('compaction came back from the dead-letter queue', { session, from });
        await queues.sendCompaction(message.compaction, randomId());
        continue;
      }
      if ('ended' in message) {
        const { session, turn } = message.ended;
        log.warn('the end of a turn came back from the dead-letter queue', { session, turn });
        await queues.sendEnded(message.ended, randomId());
        continue;
      }
      const { session, slot } = message;
      log.warn('token came back from the dead-letter queue', { session, slot });
      await queues.sendJob(message, randomId());
    } catch (error) {
      log.error('dead letter cannot be sent again', { messageId, ...errorFields(error) });
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}
