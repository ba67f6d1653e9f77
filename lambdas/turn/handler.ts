import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { agent } from '../../agent/agent.ts';
import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { readSecret } from '../../aws/secrets-manager/secrets.ts';
import { deadLetters, parseJob } from '../../aws/sqs/queues.ts';
import { holdMessage } from '../../aws/sqs/visibility.ts';
import {
  type ModelAccess,
  readMcpUrls,
  readModels,
  readTurnSettings,
  SettingError,
} from '../../config/settings.ts';
import { memoized } from '../../core/memoized.ts';
import type { TurnJob } from '../../core/ports.ts';
import type { TurnContext } from '../../core/turn/context.ts';
import { runJob } from '../../core/turn/worker.ts';
import { parseMcpTokens } from '../../model/mcp/tokens.ts';
import { createToolSource } from '../../model/mcp/tool-source.ts';
import { createModel } from '../../model/providers/create-model.ts';
import { fingerprintOf } from '../../model/providers/fingerprint.ts';
import { lazyModel } from '../../model/providers/lazy-model.ts';
import { createToolbox } from '../../model/tools/toolbox.ts';
import { coreOf, required } from '../core-of.ts';

const env = process.env;
const instruments = instrumentsOf(env);
const core = coreOf(env, instruments);
const settings = readTurnSettings(env);
const queueUrl = required(env, 'MIDTURN_TURN_QUEUE_URL');
const dead = deadLetters(required(env, 'MIDTURN_DEAD_TURN_QUEUE_URL'));
const tokensSecret = env.MIDTURN_MCP_TOKENS_SECRET;
const mcpTokens = memoized(async () =>
  parseMcpTokens(tokensSecret ? await readSecret(tokensSecret) : (env.MIDTURN_MCP_TOKENS ?? '')),
);
const tools = createToolSource(agent, {
  urls: readMcpUrls(env),
  async token(server) {
    const token = (await mcpTokens()).get(server);
    if (token === undefined) throw new SettingError(`MIDTURN_MCP_TOKENS holds none of "${server}".`);
    return token;
  },
  warn: (message, fields) => core.log.warn(message, fields),
  failed: (server) => core.metrics.countBy('McpFailures', server),
  now: () => core.clock.now(),
});
const toolbox = createToolbox(agent, tools);
const [access, secondAccess] = readModels(env);
const makeModel = maker(access);
// Started while the environment starts; a failure shows with the first call, which tries again.
makeModel().catch(() => {});
const model = lazyModel(access.choice, makeModel, fingerprintOf(access, agent));
const fallback = secondAccess && lazyModel(secondAccess.choice, maker(secondAccess));

function maker({ choice, baseUrl, apiKey, apiKeySecret }: ModelAccess) {
  return memoized(async () => {
    const key = apiKeySecret ? await readSecret(apiKeySecret) : apiKey;
    return createModel(choice, agent, {
      ...(baseUrl && { baseUrl }),
      ...(key && { apiKey: key }),
      tools,
      warn: (message, fields) => core.log.warn(message, fields),
    });
  });
}

/** What a hand-over needs at most: a commit, its posts and the answer to the queue. */
const RESERVE_MS = Math.min(15_000, settings.turnTimeoutSeconds * 300);

/** A token of the turn queue (batch size 1): runs its slot to the end, or hands it on. */
export const handler = (event: SQSEvent, lambda: Context): Promise<SQSBatchResponse> =>
  instruments.invocation(lambda, () => receive(event, lambda));

async function receive(event: SQSEvent, lambda: Context): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of event.Records) {
    if (!(await runRecord(record, lambda))) batchItemFailures.push({ itemIdentifier: record.messageId });
  }
  return { batchItemFailures };
}

async function runRecord(record: SQSRecord, lambda: Context): Promise<boolean> {
  const { receiptHandle, messageId } = record;
  const job = readJob(record);
  if (!job) return putAside(record);
  const { clock } = core;
  const { session, slot } = job;
  const log = core.log.with({ session, slot });
  // Asked beside the first reads and writes, which take their time too.
  const offered = tools.offered();
  const lease = holdMessage({ queueUrl, receiptHandle, seconds: settings.visibilitySeconds, clock, log });
  try {
    const context: TurnContext = {
      core: { ...core, log },
      model,
      ...(fallback && { fallback }),
      toolbox,
      settings,
      remainingMs: () => lambda.getRemainingTimeInMillis(),
      reserveMs: RESERVE_MS,
      maxToolMs: settings.turnTimeoutSeconds * 1000 - 2 * RESERVE_MS,
    };
    const end = await runJob(context, job);
    if (end === 'handover') await lease.handBack();
    else if (typeof end === 'object') await lease.handBack(end.seconds);
    return end === 'over';
  } catch (error) {
    log.error('turn failed', { messageId, ...errorFields(error) });
    return false;
  } finally {
    await Promise.all([offered, lease.stop()]);
  }
}

function readJob({ body, messageId }: SQSRecord): TurnJob | undefined {
  try {
    return parseJob(body);
  } catch (error) {
    core.log.error('message is no token', { messageId, ...errorFields(error) });
    return undefined;
  }
}

/** Whether it can be deleted here: it is in the dead-letter queue. */
async function putAside(record: SQSRecord): Promise<boolean> {
  try {
    await dead.bury(record);
    core.metrics.count('DeadLetters');
    return true;
  } catch (error) {
    core.log.error('message cannot be put aside', {
      messageId: record.messageId,
      ...errorFields(error),
    });
    return false;
  }
}
