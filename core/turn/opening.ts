import type { TurnStartContext } from '../events/events.ts';
import type { MessageId, TurnId } from '../ids.ts';
import type { Json } from '../json.ts';
import { fittingLength } from '../json-bytes.ts';
import type { MessageContext } from '../message-context.ts';
import type { CallPreparation, CallSetup } from '../model.ts';
import { PreparationError } from '../preparation-error.ts';
import type { Session, Withdrawal } from '../store/items.ts';
import { asked, nameOf } from './agents-code.ts';
import type { TurnContext } from './context.ts';

/** Of what the agent's code prepares, as JSON: it is in one commit with the first messages. */
const MAX_PREPARED_BYTES = 16_384;
/** Of the name of a field that does not fit: every outcome on a lane may have one. */
const MAX_PATH_BYTES = 64;

/** Who asks, and what was prepared, of what the session says and the turn's start has committed. */
export function setupOf(
  { principal, sessionId }: Session,
  turnId: TurnId,
  { name, claims = {}, options, locale, timeZone, prepared, tokenLane }: TurnStartContext,
): CallSetup {
  return {
    caller: {
      principal: { tenant: principal.tenant, subject: principal.subject },
      session: { id: sessionId, ...(name !== undefined && { name }) },
      turnId,
      claims,
      ...(options !== undefined && { options }),
      ...(locale !== undefined && { locale }),
      ...(timeZone !== undefined && { timeZone }),
    },
    ...(prepared !== undefined && { prepared }),
    ...(tokenLane !== undefined && { tokenLane }),
  };
}

/** What the agent's code is asked of messages before they are applied. A worker asks once of each message. */
export class TurnOpening {
  readonly #context: Pick<TurnContext, 'core' | 'preparation' | 'name'>;
  readonly #checks = new Map<MessageId, Promise<Checked>>();
  readonly #starts = new Map<string, Promise<TurnStartContext>>();

  constructor(context: Pick<TurnContext, 'core' | 'preparation' | 'name'>) {
    this.#context = context;
  }

  /**
   * Checks the options of a message, and the agent that its client asked for. Options of a message that begins no turn are used
   * nowhere, and have to fit all the same.
   *
   * @returns the options as the agent's code is given them, or why the message cannot be applied
   */
  check(
    id: MessageId,
    { options, agent: asked }: MessageContext,
    { begins }: { begins: boolean },
  ): Promise<Checked> {
    const { preparation, name } = this.#context;
    if (/* rule: other-agent-not-applied */ asked !== undefined && asked !== name)
      return Promise.resolve(name === undefined ? UNAVAILABLE : FIXED);
    if (!preparation || (options === undefined && !begins)) return Promise.resolve(NO_OPTIONS);
    let checked = this.#checks.get(id);
    if (!checked) {
      checked = this.#checked(preparation, options ?? {});
      this.#checks.set(id, checked);
    }
    return checked;
  }

  /** What `turn_start` holds of the turn that this message begins. Without `prepared`, its preparation has failed. */
  start(
    { id, turn, session }: { id: MessageId; turn: TurnId; session: Session },
    context: MessageContext,
    options: Json | undefined,
  ): Promise<TurnStartContext> {
    const key = `${turn} ${id}`;
    let start = this.#starts.get(key);
    if (!start) {
      start = this.#started(session, turn, context, options);
      this.#starts.set(key, start);
    }
    return start;
  }

  async #checked({ check }: CallPreparation, options: Json): Promise<Checked> {
    const { core } = this.#context;
    try {
      const result = await asked(core.clock, 'callOptionsSchema', check(options));
      return 'path' in result
        ? { refused: { code: 'OPTIONS_INVALID', path: shortPath(result.path) } }
        : result;
    } catch (error) {
      core.log.error("the agent's code cannot check the options of a message", {
        error: nameOf(error),
      });
      return { refused: { code: 'AGENT_ERROR' } };
    }
  }

  async #started(
    session: Session,
    turn: TurnId,
    { claims, locale, timeZone, tokenLane }: MessageContext,
    options: Json | undefined,
  ): Promise<TurnStartContext> {
    const start: TurnStartContext = {
      ...(session.name !== undefined && { name: session.name }),
      ...(claims !== undefined && { claims }),
      ...(options !== undefined && { options }),
      ...(locale !== undefined && { locale }),
      ...(timeZone !== undefined && { timeZone }),
      ...(tokenLane !== undefined && { tokenLane }),
    };
    const { preparation, core } = this.#context;
    if (!preparation?.prepare) return start;
    try {
      const { caller } = setupOf(session, turn, start);
      const prepared = await asked(core.clock, 'prepareCall', preparation.prepare(caller));
      const bytes = Buffer.byteLength(JSON.stringify(prepared));
      if (bytes <= MAX_PREPARED_BYTES) return { ...start, prepared };
      core.log.error('what the agent prepared for a turn is too long', {
        turn,
        bytes,
        limit: MAX_PREPARED_BYTES,
      });
    } catch (error) {
      core.log.error("the agent's code cannot prepare a turn", {
        turn,
        // Of another class, its message may have content of the conversation.
        error: error instanceof PreparationError ? error.message : nameOf(error),
      });
    }
    return start;
  }
}

/** What the agent's code is given, or why not. */
export type Checked =
  | { options: Json | undefined; refused?: never }
  | { options?: never; refused: Withdrawal };

function shortPath(path: string): string {
  const text = path.toWellFormed();
  return text.slice(0, fittingLength(text, MAX_PATH_BYTES));
}

const UNAVAILABLE: Checked = { refused: { code: 'AGENT_UNAVAILABLE' } };
const FIXED: Checked = { refused: { code: 'AGENT_FIXED' } };
const NO_OPTIONS: Checked = { options: undefined };
