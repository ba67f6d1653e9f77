import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { deadLetters } from '../../aws/sqs/queues.ts';
import { sqsHideMessage } from '../../aws/sqs/visibility.ts';
import { readTurnSettings } from '../../config/settings/turns.ts';
import { required, startCore } from '../core-of.ts';
import { createAgents } from './agents.ts';
import { openTokenOf } from './open-token.ts';
import { createReceiver } from './receive.ts';

const env = process.env;
const instruments = instrumentsOf(env, 'turn');
const openToken = openTokenOf(env, instruments);
const core = { ...(await startCore(env, instruments)), ...(openToken && { openToken }) };
const receive = createReceiver({
  core,
  settings: readTurnSettings(env),
  agents: createAgents(env, core),
  hideMessage: sqsHideMessage(required(env, 'MIDTURN_TURN_QUEUE_URL')),
  deadLetters: deadLetters(required(env, 'MIDTURN_DEAD_TURN_QUEUE_URL')),
});

/** A job of the turn queue (batch size 1): runs its slot to the end, or returns the job to the queue. */
export const handler = (event: SQSEvent, lambda: Context): Promise<SQSBatchResponse> =>
  instruments.invocation(lambda, () => receive(event, lambda));
