import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { coreOf } from '../adapters/environment.ts';
import { errorFields } from '../adapters/instruments/error-fields.ts';
import { instrumentsOf } from '../adapters/instruments/instruments.ts';
import { parseDeadline } from '../adapters/sqs/queues.ts';
import { deadlinePassed } from '../core/deadline.ts';
import { carryOutDeletion } from '../core/deletion.ts';

const instruments = instrumentsOf(process.env);
const core = coreOf(process.env, instruments);

/** Messages of the delay queue: a turn's wait for its session may be over, or a session is to be deleted. */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  instruments.invocation(context, () => receive(event));

async function receive(event: SQSEvent): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const { body, messageId } of event.Records) {
    try {
      const message = parseDeadline(body);
      if ('deletion' in message) await carryOutDeletion(core, message.deletion);
      else await deadlinePassed(core, message);
    } catch (error) {
      core.log.error('deadline failed', { messageId, ...errorFields(error) });
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}
