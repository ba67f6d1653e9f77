import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import { parseTurnMessage, type TurnMessage } from '../../aws/sqs/queues.ts';
import { type HeldMessage, type HideMessage, holdMessage } from '../../aws/sqs/visibility.ts';
import { traced } from '../../aws/xray/tracer.ts';
import type { TurnSettings } from '../../config/settings/turns.ts';
import { type Milliseconds, milliseconds, toMs } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import type { SessionKey } from '../../core/ids.ts';
import { compact } from '../../core/turn/compaction.ts';
import type { WorkerContext } from '../../core/turn/context.ts';
import { followTurn } from '../../core/turn/follow-up.ts';
import { type JobEnd, runJob } from '../../core/turn/worker.ts';
import type { Agents } from './agents.ts';

/** What the turn function is made of. */
export interface TurnFunction {
  core: Core;
  settings: TurnSettings;
  agents: Agents;
  /** Of the turn queue. */
  hideMessage: HideMessage;
  deadLetters: { send(message: { messageId: string; body: string }): Promise<void> };
}

/** What is read of Lambda's context. */
interface Invocation {
  getRemainingTimeInMillis(): number;
}

/** Runs the job of each record (batch size 1) to its end, or returns it to the queue. */
export function createReceiver(
  turnFunction: TurnFunction,
): (event: SQSEvent, invocation: Invocation) => Promise<SQSBatchResponse> {
  const { core, settings } = turnFunction;
  return async (event, invocation) => {
    const endsAt = core.clock.now() + toMs(settings.turnTimeoutSeconds);
    const remainingMs = () => remainingOf(invocation, endsAt - core.clock.now());
    const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
    for (const record of event.Records) {
      const isDone = await receive(turnFunction, record, remainingMs);
      if (!isDone) batchItemFailures.push({ itemIdentifier: record.messageId });
    }
    return { batchItemFailures };
  };
}

/** Measured by our own clock as well: emulators of Lambda return a constant. */
const remainingOf = (invocation: Invocation, measured: number): Milliseconds =>
  milliseconds(Math.min(invocation.getRemainingTimeInMillis(), measured));

/** Returns whether the queue can delete the message. */
async function receive(
  turnFunction: TurnFunction,
  record: SQSRecord,
  remainingMs: () => Milliseconds,
): Promise<boolean> {
  const { core, settings, hideMessage } = turnFunction;
  // Before everything else: a worker that dies without it is replaced only after the queue's own visibility time-out.
  const message = holdMessage({
    hide: (duration) => hideMessage(record.receiptHandle, duration),
    visibility: settings.visibilitySeconds,
    clock: core.clock,
    log: core.log,
  });
  try {
    const content = readMessage(turnFunction, record);
    if (!content) return await moveToDeadLetters(turnFunction, record);
    // The environment has started: that is all.
    if ('wake' in content) return true;
    return await runRecord(turnFunction, { content, record, message, remainingMs });
  } finally {
    await message.stop();
  }
}

async function runRecord(
  { core, settings, agents }: TurnFunction,
  {
    content,
    record,
    message,
    remainingMs,
  }: {
    content: Work;
    record: SQSRecord;
    message: HeldMessage;
    remainingMs: () => Milliseconds;
  },
): Promise<boolean> {
  const beside = besideTurns(content);
  const log = core.log.with(
    'slot' in content ? { session: content.session, slot: content.slot } : { session: beside?.session },
  );
  const reserveMs = reserveOf(settings);
  // The first reads and writes run beside the heartbeat, and MCP tools are listed beside them. Secrets, the agent and what
  // others answer wait for it.
  const offered = message.held.then(() => (beside ? undefined : agents.offerTools()));
  const agentFor: Agents['agentFor'] = async (session) => {
    await message.held;
    return agents.agentFor(session);
  };
  try {
    const worker: WorkerContext = {
      core: { ...core, log },
      agentFor,
      settings,
      remainingMs,
      reserveMs,
      maxToolMs: milliseconds(toMs(settings.turnTimeoutSeconds) - 2 * reserveMs),
    };
    // SQS carries the trace of the message that opened the turn, also to what follows its end.
    const { AWSTraceHeader } = record.attributes;
    const end = await traced({ env: process.env, ...worker.core }, AWSTraceHeader, (tracer) =>
      work({ ...worker, core: { ...worker.core, tracer } }, content, record),
    );
    if (end === 'handover') await message.handBack();
    else if (typeof end === 'object') await message.handBack(end.seconds);
    return end === 'over';
  } catch (error) {
    log.error('turn failed', { messageId: record.messageId, ...errorFields(error) });
    return false;
  } finally {
    await offered;
  }
}

async function work(worker: WorkerContext, content: Work, record: SQSRecord): Promise<JobEnd> {
  if ('compaction' in content) await compact(worker, content.compaction);
  else if ('ended' in content) {
    // The agent's code may be what kills the workers.
    if (receivesOf(record) > MAX_RECEIVES)
      worker.core.log.error('what follows the end of a turn is given up', { turn: content.ended.turn });
    else await followTurn(worker, content.ended);
  } else return runJob(worker, content);
  return 'over';
}

type Work = Exclude<TurnMessage, { wake: true }>;

/** Work beside the session's turns. */
function besideTurns(content: Work): { session: SessionKey } | undefined {
  if ('compaction' in content) return content.compaction;
  return 'ended' in content ? content.ended : undefined;
}

/** How often the job of an ended turn is tried. */
const MAX_RECEIVES = 5;

const receivesOf = ({ attributes }: SQSRecord): number => Number(attributes.ApproximateReceiveCount);

/** The time that a handover needs at most: a commit, its posts and the change of the message's visibility. */
const reserveOf = ({ turnTimeoutSeconds }: TurnSettings): Milliseconds =>
  milliseconds(Math.min(15_000, turnTimeoutSeconds * 300));

function readMessage({ core }: TurnFunction, { body, messageId }: SQSRecord): TurnMessage | undefined {
  try {
    return parseTurnMessage(body);
  } catch (error) {
    core.log.error('message is no turn job', { messageId, ...errorFields(error) });
    return undefined;
  }
}

/** Returns whether the message can be deleted here, because it is in the dead-letter queue. */
async function moveToDeadLetters({ core, deadLetters }: TurnFunction, record: SQSRecord): Promise<boolean> {
  try {
    await deadLetters.send(record);
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
