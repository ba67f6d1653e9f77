import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { parseDeadline } from '../../aws/sqs/queues.ts';
import { traced } from '../../aws/xray/tracer.ts';
import { continueReplay } from '../../core/inbound/continue-replay.ts';
import { continueFork } from '../../core/inbound/fork.ts';
import { greet } from '../../core/inbound/greet.ts';
import { deadlinePassed } from '../../core/session/deadline.ts';
import { carryOutDeletion } from '../../core/session/deletion.ts';
import { coreOf } from '../core-of.ts';

const instruments = instrumentsOf(process.env, 'deadline');
const core = coreOf(process.env, instruments);

/** Handles messages of the delay queue: the time limit of a queued turn, the deletion of a session, a silent connection, a replay and a fork to go on with. */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  instruments.invocation(context, () => receive(event));

const JOBS = ['deletion', 'replay', 'greeting', 'fork'] as const;

async function carryOut(message: ReturnType<typeof parseDeadline>): Promise<void> {
  if ('deletion' in message) await carryOutDeletion(core, message.deletion);
  else if ('replay' in message) await continueReplay(core, message.replay);
  else if ('greeting' in message) await greet(core, message.greeting);
  else if ('fork' in message) await continueFork(core, message.fork);
  else await deadlinePassed(core, message);
}

async function receive(event: SQSEvent): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const { body, messageId, attributes } of event.Records) {
    try {
      const message = parseDeadline(body);
      await traced({ env: process.env, ...core }, attributes?.AWSTraceHeader, async (tracer) => {
        const job = JOBS.find((name) => name in message) ?? 'time limit';
        const span = tracer.begin(`deadline ${job}`, 'server', { 'faas.trigger': 'pubsub' });
        await carryOut(message).finally(() => span.end());
      });
    } catch (error) {
      core.log.error('deadline failed', { messageId, ...errorFields(error) });
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}
