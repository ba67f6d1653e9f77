import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { deadLetters, parseJob } from '../../aws/sqs/queues.ts';
import { extendVisibility } from '../../aws/sqs/visibility.ts';

import { readTurnSettings } from '../../config/settings/turns.ts';
import { milliseconds, toMs } from '../../config/units.ts';

import type { TurnJob } from '../../core/ports.ts';
import { type JobEnd, runJob } from '../../core/turn/worker.ts';
import { coreOf, required } from '../core-of.ts';
import { createAgents } from './agent-for.ts';

const env = process.env;
const instruments = instrumentsOf(env);
const core = coreOf(env, instruments);
const settings = readTurnSettings(env);
const queueUrl = required(env, 'MIDTURN_TURN_QUEUE_URL');
const dead = deadLetters(required(env, 'MIDTURN_DEAD_TURN_QUEUE_URL'));
const agents = createAgents(env, core);

/** The time that a handover needs at most: a commit, its posts and the change of the message's visibility. */
const RESERVE_MS = milliseconds(Math.min(15_000, settings.turnTimeoutSeconds * 300));

/** A job of the turn queue (batch size 1): runs its slot to the end, or returns the job to the queue. */
export const handler = (event: SQSEvent, lambda: Context): Promise<SQSBatchResponse> =>
  instruments.invocation(lambda, () => receive(event, lambda));

async function receive(event: SQSEvent, lambda: Context): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of event.Records) {
    const isDone = await handleRecord(record, lambda);
    if (!isDone) batchItemFailures.push({ itemIdentifier: record.messageId });
  }
  return { batchItemFailures };
}

/** Returns whether the queue can delete the message. */
async function handleRecord(record: SQSRecord, lambda: Context): Promise<boolean> {
  const job = readJob(record);
  return job ? runRecord(record, job, lambda) : moveToDeadLetters(record);
}

async function runRecord(record: SQSRecord, job: TurnJob, lambda: Context): Promise<boolean> {
  const { receiptHandle, messageId } = record;
  const log = core.log.with({ session: job.session, slot: job.slot });
  // Listing MCP tools runs in parallel with the first reads and writes.
  const offered = agents.offerTools();
  const { clock } = core;
  const message = extendVisibility({
    queueUrl,
    receiptHandle,
    visibility: settings.visibilitySeconds,
    clock,
    log,
  });
  try {
    const end: JobEnd = await runJob(
      {
        core: { ...core, log },
        agentFor: agents.agentFor,
        settings,
        remainingMs: () => milliseconds(lambda.getRemainingTimeInMillis()),
        reserveMs: RESERVE_MS,
        maxToolMs: milliseconds(toMs(settings.turnTimeoutSeconds) - 2 * RESERVE_MS),
      },
      job,
    );
    if (end === 'handover') await message.handBack();
    else if (typeof end === 'object') await message.handBack(end.seconds);
    return end === 'over';
  } catch (error) {
    log.error('turn failed', { messageId, ...errorFields(error) });
    return false;
  } finally {
    await Promise.all([offered, message.stop()]);
  }
}

function readJob({ body, messageId }: SQSRecord): TurnJob | undefined {
  try {
    return parseJob(body);
  } catch (error) {
    core.log.error('message is no turn job', { messageId, ...errorFields(error) });
    return undefined;
  }
}

/** Returns whether the message can be deleted here, because it is in the dead-letter queue. */
async function moveToDeadLetters(record: SQSRecord): Promise<boolean> {
  try {
    await dead.send(record);
    core.metrics.count('DeadLetters');
    return true;
  } catch (error) {
    core.log.error('message cannot be moved to the dead-letter queue', {
      messageId: record.messageId,
      ...errorFields(error),
    });
    return false;
  }
}
