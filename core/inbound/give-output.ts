import type { ToolOutputFrame } from '../../protocol/client-frames.ts';
import { MAX_TOOL_OUTPUT_BYTES } from '../../protocol/limits.ts';
import type { Core } from '../core.ts';
import { asRequestId } from '../ids.ts';
import type { Json } from '../json.ts';
import { bytesOfJson } from '../json-bytes.ts';
import { ownValue } from '../own-value.ts';
import { errorReply, reply } from '../replies.ts';
import { putOutput, removeOutputs } from '../session/given-outputs.ts';
import { leasedTurn, viewSession } from '../session/sessions.ts';
import { ASKED, type ClientOutput } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import { give } from '../store/lane/request.ts';
import { argumentsDigest } from '../turn/arguments-summary.ts';
import type { Sender } from './acknowledge.ts';

/**
 * Handles what a client gives for a call of a tool that it runs. It comes over the connection that has the turn's lane: another
 * device of the session would run the tool somewhere else. The first answer counts, and the call's `tool_result` has it; until then
 * the same answer again changes nothing. The worker sees it with its next poll, or when it resumes the turn.
 */
export async function giveOutput(core: Core, sender: Sender, frame: ToolOutputFrame): Promise<void> {
  const { request_id: id } = frame;
  const request = asRequestId(id);
  const given = givenIn(frame);
  if ('complaint' in given) {
    await reply(core, sender.id, errorReply('INVALID_FRAME', given.complaint, { id }));
    return;
  }
  const bytes = bytesOfJson(given.value);
  if (bytes > MAX_TOOL_OUTPUT_BYTES) {
    const text = `The output has ${bytes} bytes as JSON; at most ${MAX_TOOL_OUTPUT_BYTES} are accepted.`;
    const facts = { id, limit: MAX_TOOL_OUTPUT_BYTES, depth: bytes, path: 'output' };
    await reply(core, sender.id, errorReply('MESSAGE_TOO_LARGE', text, facts));
    return;
  }
  const { session, lane } = sender.connection;
  const held = leasedTurn(await viewSession(core, session));
  if (held && /* rule: output-of-its-lane */ held.laneId === lane) {
    const { output } = given;
    const isRepeat = (stored: ClientOutput | undefined) => stored?.digest === output.digest;
    if (isRepeat(ownValue(held.lane.outputs, request))) return;
    if (ownValue(held.lane.asked, request) === ASKED.output) {
      const key = laneKey(session, held.laneId);
      await putOutput(core, session, request, output, given.value);
      const written = await core.store.update(key, give(request, output));
      if (written.ok) return;
      if (isRepeat(ownValue((await core.store.get(key))?.outputs, request))) return;
      await removeOutputs(core, session, [[request, output]]);
    }
  }
  const text =
    'No request with this id waits for an output of this connection: it was never made here, or its call has a result.';
  await reply(core, sender.id, errorReply('INVALID_TOOL_OUTPUT', text, { id }));
}

/** An output or an error: exactly one of them. */
function givenIn({ output, error }: ToolOutputFrame) {
  if ((output === undefined) === (error === undefined))
    return { complaint: 'A tool_output has either "output" or "error".' };
  const value: Json = error ?? output ?? null;
  const isError = error !== undefined;
  const digest = argumentsDigest({ value, isError });
  return { value, output: { digest, ...(isError && { isError: true as const }) } };
}
