import type { ElicitationAnswerFrame } from '../../protocol/client-frames.ts';
import { MAX_TOOL_OUTPUT_BYTES } from '../../protocol/limits.ts';
import { misfitOf } from '../../protocol/question-fields.ts';
import type { Core } from '../core.ts';
import { asRequestId } from '../ids.ts';
import type { Json } from '../json.ts';
import { bytesOfJson } from '../json-bytes.ts';
import { ownValue } from '../own-value.ts';
import { errorReply, reply } from '../replies.ts';
import { putOutput, readFields, removeOutputs } from '../session/given-outputs.ts';
import { leasedTurn, viewSession } from '../session/sessions.ts';
import { ASKED, type ClientOutput } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import { give } from '../store/lane/request.ts';
import { argumentsDigest } from '../turn/arguments-summary.ts';
import type { Sender } from './acknowledge.ts';

/**
 * Handles a user's answer to a question of a tool, from any of the session's connections. It is checked here, so that the user can
 * correct it. The first answer counts; until the turn has taken it, the same one again is answered the same. Nothing is kept of what an
 * answer says beside `accept`. The worker sees it with its next poll, or when it resumes the turn.
 */
export async function answerQuestion(
  core: Core,
  sender: Sender,
  { id, action, content = {} }: ElicitationAnswerFrame,
): Promise<void> {
  const request = asRequestId(id);
  const { session } = sender.connection;
  const taken = () => reply(core, sender.id, { type: 'elicitation_answer', id, action });
  const held = leasedTurn(await viewSession(core, session));
  if (ownValue(held?.lane.asked, request) !== ASKED.answer || !held) return refuse(core, sender, id);
  const fields = await readFields(core, session, request);
  if (fields === undefined) return refuse(core, sender, id);
  const keeps = action === 'accept' && fields !== null;
  if (keeps) {
    const bytes = bytesOfJson(content);
    if (bytes > MAX_TOOL_OUTPUT_BYTES) {
      const text = `The answer has ${bytes} bytes as JSON; at most ${MAX_TOOL_OUTPUT_BYTES} are accepted.`;
      const facts = { id, limit: MAX_TOOL_OUTPUT_BYTES, depth: bytes, path: 'content' };
      await reply(core, sender.id, errorReply('MESSAGE_TOO_LARGE', text, facts));
      return;
    }
    const misfit = misfitOf(fields, content);
    if (misfit) {
      const text = `The field "${misfit.field}" does not fit the question: ${misfit.complaint}.`;
      const facts = { id, path: misfit.field };
      await reply(core, sender.id, errorReply('ELICITATION_CONTENT_INVALID', text, facts));
      return;
    }
  }
  // Checked, or empty: nothing but JSON came in a frame.
  const answer: Json = { action, ...(keeps && { content: content as Record<string, Json> }) };
  const output: ClientOutput = { digest: argumentsDigest(answer) };
  const isRepeat = (stored: ClientOutput | undefined) => stored?.digest === output.digest;
  if (!isRepeat(ownValue(held.lane.outputs, request))) {
    const key = laneKey(session, held.laneId);
    await putOutput(core, session, request, output, answer);
    const written = await core.store.update(key, give(request, output));
    if (!written.ok && !isRepeat(ownValue((await core.store.get(key))?.outputs, request))) {
      await removeOutputs(core, session, [[request, output]]);
      return refuse(core, sender, id);
    }
  }
  await taken();
}

async function refuse(core: Core, sender: Sender, id: string): Promise<void> {
  const text = 'No question with this id waits for this answer: it was never asked, or it is resolved.';
  await reply(core, sender.id, errorReply('INVALID_ELICITATION_ANSWER', text, { id }));
}
