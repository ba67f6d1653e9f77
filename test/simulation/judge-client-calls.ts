import type { TurnEvent } from '../../core/events/events.ts';
import { argumentsDigest } from '../../core/turn/arguments-summary.ts';
import { type ClientCalls, type GivenValue, isUnfit } from './client-calls.ts';
import type { Evidence } from './evidence.ts';

type Asked = Extract<TurnEvent, { type: 'tool_output_request' }>;

/**
 * P13: the result of a call of the client's tool is what its client gave first. The client is asked once, over the
 * turn's lane, after a person has approved the call. A call that is late has no output.
 *
 * @param calm nothing has failed: each device was told that what it gave is not taken
 */
export function judgeClientCalls(
  cloud: Evidence,
  calls: ClientCalls,
  turns: ReadonlyMap<string, readonly TurnEvent[]>,
  calm: boolean,
): void {
  const violated = (why: string) => cloud.violated('client', why);
  for (const [turn, events] of turns) {
    const asked = new Map<string, Asked>();
    const waiting = new Map<string, string>();
    for (const event of events) {
      if (event.type === 'approval_request') waiting.set(event.request_id, event.tool_call_id);
      if (event.type === 'approval_resolved' && event.decision !== 'deny') waiting.delete(event.request_id);
      if (event.type === 'tool_output_request') {
        const { tool_call_id: call } = event;
        if (asked.has(call)) violated(`the client is asked twice for ${call} of turn ${turn}`);
        if ([...waiting.values()].includes(call)) violated(`${call} of turn ${turn} is not approved`);
        if (isUnfit(event.arguments)) violated(`the client is asked for ${call}, whose arguments do not fit`);
        asked.set(call, event);
      }
      const request = event.type === 'tool_result' && asked.get(event.id);
      if (request) judgeResult(calls, request, event, violated);
    }
  }
  if (calm) judgeRefusals(calls, violated);
}

const digestOf = ({ value, isError }: GivenValue) => argumentsDigest({ value, isError });

/** `Withheld`: a hook of the agent failed. */
const SAYS_WHY = /^(No result|Not run|Withheld): /;

function judgeResult(
  { given, stored }: ClientCalls,
  { request_id: request, lane }: Asked,
  { output, is_error }: Extract<TurnEvent, { type: 'tool_result' }>,
  violated: (why: string) => void,
): void {
  const owner = stored.get(request)?.lane;
  if (owner !== undefined && owner !== lane) violated(`${request} of ${lane} is answered on ${owner}`);
  if (typeof output === 'string' && SAYS_WHY.test(output)) {
    if (output.includes('in time') && stored.has(request)) violated(`${request} is late, and has an output`);
    return;
  }
  const sent = given.get(request)?.find(({ value }) => value === output);
  if (!sent) violated(`${request} has the result ${JSON.stringify(output)}, which nobody gave`);
  else if (sent.malformed) violated(`${request} has a result that was malformed`);
  else if (sent.lane !== undefined && sent.lane !== lane)
    violated(`${request} of ${lane} has what ${sent.lane} gave`);
  else if (stored.get(request)?.digest !== digestOf(sent))
    violated(`${request} has ${sent.value}, which is not stored`);
  else if (sent.isError !== (is_error === true))
    violated(`${request}: an error is an output, or the reverse`);
}

/** What was not taken was refused. */
function judgeRefusals({ given, stored }: ClientCalls, violated: (why: string) => void): void {
  for (const [request, all] of given)
    for (const one of all) {
      const isTaken = stored.get(request)?.digest === digestOf(one);
      if (!isTaken && !one.cut && !one.refused)
        violated(`${one.value} for ${request} was not taken, nor refused`);
    }
}
