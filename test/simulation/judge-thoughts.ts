import { isDeepStrictEqual } from 'node:util';
import type { TurnEvent } from '../../core/events/events.ts';
import type { PromptMessage, Verbatim } from '../../core/model.ts';
import type { Evidence } from './evidence.ts';
import type { Part } from './parts.ts';

/**
 * P11: what a model thought in a call that it finished is durable with that call, whole and in its order; nothing is of a call
 * that was cut.
 */
export function judgeThoughts(cloud: Evidence): void {
  if (!cloud.gave) return;
  const events = [...cloud.committed.values()];
  const kept = new Set<number>();
  for (const { seq, verbatim } of events) {
    if (!verbatim) continue;
    const call = callOf(verbatim);
    const given = call === undefined ? undefined : cloud.gave.get(call);
    if (call !== undefined) kept.add(call);
    if (!given)
      cloud.violated('P11', `event ${seq} keeps thoughts of a call that never ended: ${text(verbatim)}`);
    else if (verbatim.model !== given.model || !isDeepStrictEqual(verbatim.parts, given.parts))
      cloud.violated('P11', `event ${seq} keeps ${text(verbatim)} of ${text(given)}`);
  }
  for (const event of events) {
    const call = event.type === 'tool_call' ? Number(/^call(\d+)-/.exec(event.id)?.[1]) : undefined;
    if (call !== undefined && cloud.gave.has(call) && !kept.has(call))
      cloud.violated('P11', `the thoughts before event ${event.seq} are not kept`);
  }
}

/** What the event carries of a call of this model. */
export function thoughtsOfEvent({ gave }: Evidence, { verbatim }: TurnEvent): (Part & { model: string })[] {
  if (!verbatim) return [];
  const call = callOf(verbatim);
  const said = (call !== undefined && gave?.get(call)?.text) || '';
  return [{ kind: 'thoughts', text: `${said} ${text(thoughtsIn(verbatim))}`, model: verbatim.model }];
}

export function thoughtsOfMessage(message: PromptMessage): Part[] {
  if (message.role !== 'assistant' || !message.verbatim) return [];
  const { parts } = message.verbatim;
  const length = parts.reduce((sum, part) => ('text' in part ? sum + part.text : sum), 0);
  return [
    { kind: 'thoughts', text: `${message.text.slice(0, length)} ${text(thoughtsIn(message.verbatim))}` },
  ];
}

/** Without what the provider ran: a search that was left without a result is in no prompt (`provider-rules.ts`). */
const thoughtsIn = ({ parts }: Verbatim) => parts.filter((part) => !('of' in part));

/** The number of the model call, as its first thought says. */
function callOf({ parts }: Pick<Verbatim, 'parts'>): number | undefined {
  const thought = parts.find((part) => 'opaque' in part)?.opaque;
  const [, call] = typeof thought === 'string' ? (/^\((\d+)\./.exec(thought) ?? []) : [];
  return call === undefined ? undefined : Number(call);
}

const text = (value: unknown) => JSON.stringify(value);
