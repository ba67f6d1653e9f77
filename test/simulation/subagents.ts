import { milliseconds } from '../../config/units.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import type { Json } from '../../core/json.ts';
import type { Model, ModelPart, ModelRequest, Toolbox, ToolCall } from '../../core/model.ts';
import type { SessionAgent } from '../../core/turn/context.ts';
import type { Actor, Scheduler } from './scheduler.ts';

/** The tool that asks another agent. */
export const ASKS = 'ask';
/** Longer than a worker's time limit. */
const HANG_MS = 10_000;
/** More than the prompt and the answer of one call have in a history. */
const MOST_OF_CALL = 10_000;

interface World {
  readonly scheduler: Scheduler;
  readonly settings: { subagents?: boolean };
  spends(actor: Actor): void;
  violated(promise: string, why: string): void;
}

/** One time that the agent is asked. */
interface Run {
  name: string;
  turn: string;
  call: string;
  /** Tokens of its model calls that were counted, since it went on after them. */
  settled: number;
  /** Of the last one, which is counted before anything else begins. */
  last: number;
}

/** What the model calls of a turn have used. */
interface Use {
  /** By number, where the turn made the call by itself. */
  own: Map<number, number>;
  told: number;
  /** Calls that were cut or have failed: nobody tells what they used. */
  untold: number;
}

/**
 * An agent that a tool asks: a scripted model and a tool of its own, and what is judged of them.
 *
 * - What a model call of it used is durable before the run goes on, and counted once.
 * - What is shown of it grows, run by run, between the call and its result, which has all of the last run.
 * - A call of its tools has the same key in each run.
 * - No model of it is called after the budget is spent.
 */
export class SubagentWatch {
  readonly #world: World;
  readonly #runs = new Map<string, Run>();
  readonly #uses = new Map<string, Use>();
  /** By key: which call of which question has it. */
  readonly #keys = new Map<string, string>();
  readonly #callsOf = new Map<string, string>();
  /** By worker: how many of its model calls are under way. */
  readonly #open = new Map<Actor, number>();
  /** How often the agent was asked. */
  #asked = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get areThere(): boolean {
    return this.#world.settings.subagents === true;
  }

  /**
   * A model call begins.
   *
   * @param own its number, if the turn makes it by itself
   * @returns what is called with its tokens once they are known
   */
  called(turn: string, own?: number): (tokens: number) => void {
    const use = this.#uses.get(turn) ?? { own: new Map(), told: 0, untold: 0 };
    this.#uses.set(turn, use);
    use.untold++;
    let isTold = false;
    return (tokens) => {
      if (isTold) return;
      isTold = true;
      use.untold--;
      use.told += tokens;
      if (own !== undefined) use.own.set(own, tokens);
    };
  }

  agentsFor(actor: Actor): Pick<SessionAgent, 'subagents'> {
    if (!this.areThere) return {};
    return {
      subagents: new Map([
        [
          ASKS,
          {
            serve: async () => {
              const asked = ++this.#asked;
              this.#world.scheduler.count('agent asked');
              const name = `run ${asked} of ${actor.id}`;
              return { model: this.#model(actor, name), toolbox: this.#toolbox(actor, name) };
            },
            promptOf: async ({ id, args }: ToolCall) =>
              isUnfit(args) ? { complaint: 'The question does not fit.' } : { prompt: `question ${id}` },
          },
        ],
      ]),
    };
  }

  #model(actor: Actor, name: string): Model {
    return {
      provider: 'scripted',
      name: 'inner',
      stream: (request, signal) => this.#stream(actor, name, request, signal),
    };
  }

  async *#stream(
    actor: Actor,
    name: string,
    request: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelPart> {
    const { scheduler } = this.#world;
    const { random } = scheduler;
    const turn = request.setup?.caller.turnId ?? '';
    const [question] = request.messages;
    const call = question?.role === 'user' ? String(question.content).slice('question '.length) : '';
    const run = this.#runs.get(name) ?? { name, turn, call, settled: 0, last: 0 };
    this.#runs.set(name, run);
    settle(run);
    const open = this.#open.get(actor) ?? 0;
    // Another one may be counted between this one's check and its call.
    if (open === 0) this.#world.spends(actor);
    this.#open.set(actor, open + 1);
    const tell = this.called(turn);
    try {
      const step = request.messages.filter(({ role }) => role === 'assistant').length;
      await this.#operation(actor, `inner model call ${step} of ${name}`);
      if (this.#isTroubled && random.chance(0.05)) {
        yield failure(random.chance(0.7));
        return;
      }
      const words = random.int(1, 3);
      for (let word = 1; word <= words; word++) {
        await scheduler.sleep(actor, random.int(0, 120), signal);
        if (this.#isTroubled && random.chance(0.01)) await scheduler.sleep(actor, HANG_MS, signal);
        if (signal.aborted) return;
        yield { type: 'text', text: wordOf(name, step, word) };
      }
      const calls = request.toolChoice === 'auto' && step < 3 && random.chance(0.5);
      if (calls) yield { type: 'tool_call', id: `${name} ${step}`, name: 'look', args: { n: step } };
      const usage = { inputTokens: 7, outputTokens: words };
      run.last = usage.inputTokens + usage.outputTokens;
      tell(run.last);
      yield { type: 'finish', reason: 'stop', usage };
    } finally {
      this.#open.set(actor, (this.#open.get(actor) ?? 1) - 1);
    }
  }

  #toolbox(actor: Actor, name: string): Toolbox {
    const { scheduler } = this.#world;
    return {
      run: async (call, { signal, idempotencyKey, setup }) => {
        const run = this.#runs.get(name);
        if (run) settle(run);
        this.#keyed(
          `${setup.caller.turnId}:${call.id.split('/')[0]} ${JSON.stringify(call.args)}`,
          idempotencyKey,
        );
        await scheduler.sleep(actor, scheduler.random.int(0, 300), signal);
        await this.#operation(actor, `inner tool ${call.id}`);
        return { output: { looked: call.args }, isError: scheduler.random.chance(0.1) };
      },
      needsApproval: async () => false,
      alwaysCovers: async ({ name }) => name,
      isIdempotent: () => true,
      isAbortable: () => true,
      timeLimitMs: () => milliseconds(1000),
    };
  }

  /** The same call of the same question has one key, and no other has it. */
  #keyed(what: string, key: string): void {
    const others = this.#keys.get(key) ?? what;
    const before = this.#callsOf.get(what) ?? key;
    this.#keys.set(key, what);
    this.#callsOf.set(what, key);
    if (others !== what) this.#world.violated('P13', `${key} is the key of ${others} and of ${what}`);
    if (before !== key) this.#world.violated('P13', `${what} has the keys ${before} and ${key}`);
  }

  judge(turns: ReadonlyMap<string, readonly TurnEvent[]>): void {
    if (!this.areThere) return;
    for (const [turn, events] of turns) {
      for (const [i, event] of events.entries())
        if (event.type === 'tool_call' && event.name === ASKS) this.#judgeCall(event.id, events.slice(i + 1));
      this.#judgeUse(turn, events);
    }
  }

  /** What the end of a turn tells is what was used: by its own model, and by the agents that it has asked. */
  #judgeUse(turn: string, events: readonly TurnEvent[]): void {
    const end = events.at(-1);
    const use = this.#uses.get(turn);
    if (end?.type !== 'done' || end.cached || !use) return;
    const told = end.input_tokens + end.output_tokens;
    const own = [...ownCallsIn(events)].reduce((sum, call) => sum + (use.own.get(call) ?? 0), 0);
    const runs = [...this.#runs.values()].filter((run) => run.turn === turn);
    const least = runs.reduce((sum, { settled }) => sum + settled, own);
    const most = use.told + use.untold * MOST_OF_CALL;
    if (told < least || told > most)
      this.#world.violated(
        'usage',
        `turn ${turn} tells of ${told} tokens, and ${least} to ${most} were used`,
      );
  }

  #judgeCall(id: string, events: readonly TurnEvent[]): void {
    let words: string[] = [];
    const runs: string[] = [];
    for (const event of events) {
      const isProgress = event.type === 'tool_progress' && event.id === id;
      const isResult = event.type === 'tool_result' && event.id === id;
      if (!isProgress && !(isResult && isMessage(event.output))) continue;
      const shown = wordsIn(event.output);
      // A run that is stopped at once has said nothing.
      if (isResult && shown.length === 0) continue;
      const run = runOf(shown);
      const what = `${event.type} ${event.seq} of ${id}`;
      if (run !== undefined && run !== runs.at(-1)) {
        if (runs.includes(run)) this.#world.violated('P8', `${what} is of a run before the last one`);
        const isAgain = runs.length > 0;
        if (isProgress && (event.restarted === true) !== isAgain)
          this.#world.violated(
            'restart',
            `${what} says ${isAgain ? 'not ' : ''}that the agent is asked again`,
          );
        runs.push(run);
        words = [];
      }
      if (shown.some((word) => runOf([word]) !== run))
        this.#world.violated('P3', `${what} mixes runs: ${shown}`);
      if (words.some((word, i) => shown[i] !== word))
        this.#world.violated('P3', `${what} has ${shown} after ${words}`);
      words = shown;
      // The last one is counted before its run's outcome.
      const last = isResult && run !== undefined && this.#runs.get(run);
      if (last) settle(last);
    }
  }

  get #isTroubled(): boolean {
    const { error, crash } = this.#world.scheduler.faults;
    return error > 0 || crash > 0;
  }

  #operation(actor: Actor, name: string): Promise<void> {
    return this.#world.scheduler.operation(
      actor,
      () => name,
      false,
      () => {},
      false,
    );
  }
}

/** The numbers of the turn's own model calls that are whole in its events: those with tool calls, and the last one. */
function ownCallsIn(events: readonly TurnEvent[]): Set<number> {
  const calling = events.flatMap((event) =>
    event.type === 'tool_call' ? event.id.match(/^call(\d+)-/)?.[1] : [],
  );
  const text = events.flatMap((event) => (event.type === 'chunk' ? event.content : [])).join('');
  const last = [...text.matchAll(/<(\d+)\.\d+>/g)].at(-1)?.[1];
  return new Set([...calling, last].flatMap((number) => (number === undefined ? [] : Number(number))));
}

/** The run goes on. */
function settle(run: Run): void {
  run.settled += run.last;
  run.last = 0;
}

/** Some questions do not fit. */
const isUnfit = (args: Json): boolean => (args as { n: number }).n % 7 === 0;

const wordOf = (run: string, step: number, word: number): string => `«${run}|${step}.${word}»`;
const wordsIn = (value: Json): string[] => JSON.stringify(value).match(/«[^»]*»/g) ?? [];
const runOf = ([word]: readonly string[]): string | undefined => word?.slice(1, word.indexOf('|'));
const isMessage = (value: Json): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && value.role === 'assistant';

const failure = (retryable: boolean): ModelPart => ({
  type: 'failure',
  failure: {
    code: 'PROVIDER_ERROR',
    reason: 'provider',
    message: 'The inner model failed.',
    retryable,
    diagnostic: 'scripted',
  },
});
