import { systemClock } from '../../aws/system.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { readEvents } from '../../core/events/journal.ts';
import { SUMMARY_NOTE } from '../../core/events/prompt.ts';
import type { Model, ModelFailure, ModelPart, ModelRequest } from '../../core/model.ts';
import type { Summary } from '../../core/store/items.ts';
import { summaryKey } from '../../core/store/keys.ts';
import { type TurnInMemory, turnInMemory } from '../../core/testing/turn-in-memory.ts';

/** Conversations in memory whose oldest turns are summarised, for tests. */

/** 800 bytes of earlier turns: two or three of these turns. */
const CONTEXT = { MIDTURN_CONTEXT_TOKENS: '200' };
export const USAGE = { inputTokens: 900, outputTokens: 80, cacheReadTokens: 500 };
export const FAILURE: ModelFailure = {
  code: 'PROVIDER_ERROR',
  reason: 'provider',
  message: 'no',
  retryable: true,
  diagnostic: 'refused: "the words of turn 1"',
};

export type Answer = string | readonly ModelPart[] | ((signal: AbortSignal) => Promise<readonly ModelPart[]>);

/** Answers in turn, and keeps what it was asked. */
export function model(name: string, answers: (n: number) => Answer, more: Partial<Model> = {}) {
  const requests: ModelRequest[] = [];
  const scripted: Model = {
    provider: 'house',
    name,
    ...more,
    async *stream(request, signal) {
      requests.push(JSON.parse(JSON.stringify(request)));
      const answer = answers(requests.length);
      const parts = typeof answer === 'function' ? await answer(signal) : answer;
      if (signal.aborted) return;
      if (typeof parts !== 'string') {
        yield* parts;
        return;
      }
      yield { type: 'text', text: parts };
      yield { type: 'finish', reason: 'stop', usage: USAGE };
    },
  };
  return { model: scripted, requests };
}

interface Given {
  summaries?: (n: number) => Answer;
  answers?: (n: number) => Answer;
  more?: Parameters<typeof turnInMemory>[1];
  price?: Model['price'];
}

/** A conversation, and what its models were asked. `say` sends a message and runs its turn. */
export async function compactingConversation({
  summaries = (n) => `SUMMARY ${n}`,
  answers,
  more = {},
  price,
}: Given = {}) {
  const main = model('main', answers ?? ((n) => `answer ${n}`));
  const summing = model('small', summaries, price && { price });
  const logged: unknown[] = [];
  const counted: string[] = [];
  const turn = await turnInMemory(main.model, {
    compactor: summing.model,
    settings: CONTEXT,
    ...more,
    core: {
      clock: systemClock,
      metrics: {
        count() {},
        countBy: (metric, part, value = 1) => void counted.push(`${metric} ${part} ${value}`),
        time() {},
      },
      log: silent(logged),
      ...more?.core,
    },
  });
  let sent = 0;
  const say = async () => {
    const n = ++sent;
    await turn.send(`m${n}`, `the words of turn ${n} ${'.'.repeat(150)}`);
    if ((await turn.run()) === undefined) throw new Error('the turn did not end');
  };
  return { turn, say, prompts: () => main.requests.map(promptOf), asked: summing.requests, logged, counted };
}

function silent(logged: unknown[]) {
  const log = {
    info: () => {},
    warn: (text: string, fields?: object) => void logged.push([text, fields]),
    error: (text: string, fields?: object) => void logged.push([text, fields]),
    with: () => log,
  };
  return log;
}

/** A prompt as a list: `sum:` the summary, `u` and `a` with the number of the turn. */
function promptOf({ messages }: ModelRequest): string[] {
  return messages.map((message) => {
    const text =
      message.role === 'user' ? String(message.content) : message.role === 'assistant' ? message.text : '';
    if (text.startsWith(SUMMARY_NOTE)) return `sum: ${/<summary>\n(.*)\n<\/summary>$/s.exec(text)?.[1]}`;
    const [number = ''] = /\d+/.exec(text) ?? [];
    return `${message.role[0]}${number}`;
  });
}

export const allEvents = ({ core, session }: TurnInMemory) => readEvents(core, session, 1);

export async function eventsOf<T extends TurnEvent['type']>(turn: TurnInMemory, type: T) {
  const events = await allEvents(turn);
  return events.flatMap((event) => (event.type === type ? [event as Extract<TurnEvent, { type: T }>] : []));
}
export const storedSummaries = (turn: TurnInMemory): Promise<Summary[]> =>
  turn.core.store.query(summaryKey(turn.session, 1), summaryKey(turn.session, 99_999));

/** Says as much as makes the first cut: the number of the turn that cuts. */
export async function untilCut({
  turn,
  say,
}: Pick<Awaited<ReturnType<typeof compactingConversation>>, 'turn' | 'say'>): Promise<number> {
  for (let n = 1; ; n++) {
    await say();
    if ((await turn.promptFrom()) !== undefined) return n;
  }
}
