import { type Core, expiry } from '../core.ts';
import type { Question } from '../elicitation.ts';
import type { RequestId, SessionKey } from '../ids.ts';
import type { Json } from '../json.ts';
import type { ClientOutput } from '../store/items.ts';
import { outputKey } from '../store/keys.ts';

/**
 * What clients gave for calls of tools that they run and for questions of tools, stored apart from the lane, as content of pending messages is: the lane has to
 * fit into an item with all that can be on it. It is put before the lane says that there is something, and removed when the call
 * has its result. What a function that dies in between leaves expires with the lane, or is removed with the session.
 */

export const putOutput = (
  core: Core,
  session: SessionKey,
  request: RequestId,
  { digest }: ClientOutput,
  output: Json,
): Promise<void> =>
  core.store.put(outputKey(session, request, digest), {
    output: JSON.stringify(output),
    expires: expiry(core).lane,
  });

/** In the place of a digest: by what an answer is checked, for the function that gets it. */
const QUESTION = { digest: 'question' };

export const putQuestion = (
  core: Core,
  session: SessionKey,
  request: RequestId,
  { fields }: Pick<Question, 'fields'>,
): Promise<void> => putOutput(core, session, request, QUESTION, (fields as Json | undefined) ?? null);

/** What is asked for: null for an address. Undefined: the question is gone. */
export async function readFields(
  core: Pick<Core, 'store'>,
  session: SessionKey,
  request: RequestId,
): Promise<Question['fields'] | null> {
  return (await readOutput(core, session, request, QUESTION)) as Question['fields'] | null;
}

export const removeQuestions = (
  core: Pick<Core, 'store' | 'log'>,
  session: SessionKey,
  questions: Iterable<{ id: RequestId }>,
): Promise<void> =>
  removeOutputs(
    core,
    session,
    [...questions].map(({ id }) => [id, QUESTION] as const),
  );

/** Undefined: it is gone. */
export async function readOutput(
  core: Pick<Core, 'store'>,
  session: SessionKey,
  request: RequestId,
  { digest }: ClientOutput,
): Promise<Json | undefined> {
  const item = await core.store.get(outputKey(session, request, digest));
  return item && JSON.parse(item.output);
}

export async function removeOutputs(
  core: Pick<Core, 'store' | 'log'>,
  session: SessionKey,
  given: Iterable<readonly [RequestId, ClientOutput]>,
): Promise<void> {
  const removals = await Promise.allSettled(
    [...given].map(([request, { digest }]) => core.store.delete(outputKey(session, request, digest))),
  );
  for (const removal of removals) {
    // Nothing refers to it, and it expires: nothing else has to fail with it.
    if (removal.status === 'rejected')
      core.log.warn('the output of a client was not removed', { error: String(removal.reason) });
  }
}
