import type { Context } from 'aws-lambda';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { traced } from '../../aws/xray/tracer.ts';
import { type SystemAnswer, sendSystemMessage } from '../../core/inbound/system-message.ts';
import { errorReply } from '../../core/replies.ts';
import type { Principal } from '../../core/store/items.ts';
import { DEFAULT_TENANT, principalOf } from '../authorizer/principal.ts';
import { startCore } from '../core-of.ts';

const instruments = instrumentsOf(process.env, 'send');
const core = await startCore(process.env, instruments);

/** A refusal after which the same message can be taken. Lambda runs an asynchronous event again that ends in an error. */
class TryAgain extends Error {
  constructor({ code, message }: { code: string; message: string }) {
    super(message);
    this.name = code;
  }
}

/**
 * Takes a message of the application to a session: docs/outside-messages.md has its form.
 *
 * @throws {TryAgain} for a refusal that is worth another try. Any other refusal is the answer
 */
export const handler = (event: unknown, context: Context): Promise<SystemAnswer> =>
  instruments.invocation(context, () => receive(event));

async function receive(event: unknown): Promise<SystemAnswer> {
  const principal = principalIn(event);
  const answer = principal
    ? await traced({ env: process.env, ...core }, undefined, async (tracer) => {
        const span = tracer.begin('send', 'server', { 'faas.trigger': 'other' });
        return await sendSystemMessage(core, principal, event).finally(() => span.end());
      })
    : errorReply(
        'INVALID_FRAME',
        'The field "subject" is not valid: it must be a text of 1 to 256 bytes, as "tenant".',
      );
  if (answer.type !== 'error') return answer;
  const { code, id, message } = answer;
  core.log.warn('message refused', { code, id, text: message, ...principal });
  if (answer.retryable) throw new TryAgain(answer);
  return answer;
}

function principalIn(event: unknown): Principal | undefined {
  if (typeof event !== 'object' || event === null) return undefined;
  const { tenant = DEFAULT_TENANT, subject } = event as { tenant?: unknown; subject?: unknown };
  return principalOf(tenant, subject);
}
