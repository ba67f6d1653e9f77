import type { TurnEvent } from '../../core/events/events.ts';
import type { Model, ModelPart, ModelRequest } from '../../core/model.ts';
import type { Session } from '../../core/store/items.ts';
import type { SessionAgent } from '../../core/turn/context.ts';
import type { Actor, Scheduler } from './scheduler.ts';

/** Attempts for one session. */
const MAX_ATTEMPTS = 3;
/** More than the prompt and the answer of one call have in a history. */
const MOST_OF_CALL = 10_000;
const USAGE = { inputTokens: 5, outputTokens: 2 };
const TOKENS = USAGE.inputTokens + USAGE.outputTokens;

interface World {
  readonly scheduler: Scheduler;
  readonly settings: { titles?: boolean };
  readonly session: Session | undefined;
  readonly committed: ReadonlyMap<number, TurnEvent>;
  violated(promise: string, why: string): void;
}

/**
 * A model that writes titles, and what is judged of them: it is called after an answer, once for each attempt, three times at most. One
 * title is given at most, never in the place of a name that somebody gave, and never to a deleted session.
 */
export class TitleWatch {
  readonly #world: World;
  #calls = 0;
  /** Titles that the model has written whole. */
  readonly #written = new Set<string>();
  #given: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  titlerFor(actor: Actor): Pick<SessionAgent, 'titler'> {
    if (!this.#world.settings.titles) return {};
    return {
      titler: async () => ({
        provider: 'scripted',
        name: 'titles',
        stream: (request, signal) => this.#stream(actor, request, signal),
      }),
    };
  }

  /** Tokens that are counted for titles, beside the turns': at least and at most. */
  get counted(): { least: number; most: number } {
    return {
      least: this.#given === undefined ? 0 : TOKENS,
      most: this.#written.size * TOKENS + (this.#calls - this.#written.size) * MOST_OF_CALL,
    };
  }

  async *#stream(actor: Actor, _: ModelRequest, signal: AbortSignal): ReturnType<Model['stream']> {
    const { scheduler, session, committed } = this.#world;
    const { random } = scheduler;
    const call = ++this.#calls;
    const { tries = 0 } = session?.titling ?? {};
    const answers = [...committed.values()].filter(({ type }) => type === 'done').length;
    if (call > tries && session?.deleted === undefined)
      this.#violated(`call ${call} is made after ${tries} attempts`);
    if (call > MAX_ATTEMPTS) this.#violated(`the model is called ${call} times`);
    if (answers === 0) this.#violated(`call ${call} is made before an answer`);
    for (const what of ['is asked for a title', 'writes a title']) {
      await scheduler.operation(
        actor,
        () => `the model ${what}`,
        false,
        () => {},
        false,
      );
      await scheduler.sleep(actor, random.int(0, 800), signal);
      if (signal.aborted) return;
    }
    if (random.chance(0.15)) {
      yield FAILURE;
      return;
    }
    const title = random.chance(0.15) ? '' : `Title ${call}`;
    if (title) this.#written.add(title);
    if (title) yield { type: 'text', text: title };
    yield { type: 'finish', reason: 'stop', usage: USAGE };
  }

  /** A write of the session that the table took. */
  wrote(before: Session | undefined, { name, provisional, deleted }: Session): void {
    if (name === before?.name) return;
    const isNamed = before?.name !== undefined && before.provisional !== true;
    if (isNamed && provisional) this.#violated(`the name ${before.name} was replaced by ${name} for now`);
    if (!isTitle(name)) return;
    if (isNamed) this.#violated(`the name ${before.name} was replaced by ${name}`);
    if (deleted !== undefined) this.#violated(`a deleted session was given ${name}`);
    if (this.#given !== undefined) this.#violated(`${this.#given} was given before ${name}`);
    this.#given = name;
    this.#world.scheduler.count('title given');
  }

  /** A client is told of a name. */
  told(name: string): void {
    if (isTitle(name) && name !== this.#given)
      this.#violated(`${name} is told of, and ${this.#given} was given`);
  }

  /** Where nothing fails, what the model wrote for a session without a name is its title. */
  judgeCalm(): void {
    const { settings, session, committed } = this.#world;
    if (!settings.titles || !session || session.deleted !== undefined) return;
    const isUnnamed = session.name === undefined || session.provisional === true;
    const answers = [...committed.values()].filter(({ type }) => type === 'done').length;
    if (isUnnamed && this.#written.size > 0) this.#violated('a title was written, and not given');
    if (isUnnamed && this.#calls < Math.min(answers, MAX_ATTEMPTS))
      this.#violated(`${answers} turns were answered, and ${this.#calls} attempts were made`);
  }

  #violated(why: string): void {
    this.#world.violated('title', why);
  }
}

const isTitle = (name: string | undefined): boolean => name?.startsWith('Title ') === true;

const FAILURE: ModelPart = {
  type: 'failure',
  failure: {
    code: 'PROVIDER_ERROR',
    reason: 'provider',
    message: 'The model of titles failed.',
    retryable: true,
    diagnostic: 'scripted',
  },
};
