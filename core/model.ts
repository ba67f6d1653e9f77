import type { Budgets } from '../config/settings/budgets.ts';
import type { Milliseconds, Seconds } from '../config/units.ts';
import type { ErrorCode, FailureReason } from '../protocol/errors.ts';
import type { Content } from './content.ts';
import type { CallInput, InputRequired } from './elicitation.ts';
import type { CallFiles } from './files/call-files.ts';
import type { LaneId } from './ids.ts';
import type { Json } from './json.ts';

/** A tool call that the model asked for. `id` is the provider's. The turn makes it unique. */
export interface ToolCall {
  id: string;
  name: string;
  args: Json;
}

export interface ToolOutcome {
  output: Json;
  isError: boolean;
  /** The tool has not finished: it goes on when the user has answered. The output is for where nobody can be asked. */
  asks?: InputRequired;
  /** What the model is shown in place of the output, as the AI SDK has it: text, images, files. Never sent to clients. */
  shown?: Json;
}

/**
 * One part of what a model call gave, in the order in which it came. `meta` and `opaque` are the provider's own (signatures, item
 * ids, encrypted thoughts): the core stores them, gives them back to the same model, and shows them to nobody else.
 */
export type VerbatimPart =
  /** So many UTF-16 code units of the call's text. */
  | { text: number; meta?: Json }
  /** The id of a tool call. */
  | { call: string; meta?: Json }
  /** A call of a tool that the provider runs itself, or the result of such a call. `id`: the provider's, of the call. */
  | { opaque: Json; of: 'call' | 'result'; id: string }
  /** A file that the model made. */
  | { opaque: Json; of: 'file' }
  /** Anything else: what the model thought. */
  | { opaque: Json };

/** A finished model call as its provider gave it. */
export interface Verbatim {
  /** As `provider:model`. No other model is given it. */
  model: string;
  parts: readonly VerbatimPart[];
  /** The provider paused its answer, and goes on if the prompt ends with it. */
  paused?: true;
}

/** What the model names for its answer: a page of the web, or a document. */
export type Source =
  | { kind: 'url'; url: string; title?: string }
  | { kind: 'document'; mediaType: string; title: string; filename?: string };

/** What the model is shown, in the order of the transcript (P11). Each call has exactly one result (P13). */
export type PromptMessage =
  | { role: 'user'; content: Content }
  /**
   * `verbatim` is about the beginning of `text`, and about `calls`. `aside`: what belongs to the answer and is not its text, for a
   * model that is not given it as its provider gave it: sources, files, and tools that the provider ran.
   */
  | { role: 'assistant'; text: string; calls: ToolCall[]; verbatim?: Verbatim; aside?: string[] }
  | { role: 'tool'; results: (ToolOutcome & { id: string; name: string })[] };

/** A finished model call of a turn, and what its tools gave. */
export interface StepFacts {
  text: string;
  calls: readonly ToolCall[];
  results: readonly (ToolOutcome & { id: string })[];
  /** `reason` of the call's `finish`. */
  finish: string;
  usage: Usage;
  /** As `provider:model`. */
  model: string;
}

/** The answer that a turn ends with: `text` may be without what earlier calls of it have said. */
export type AnswerFacts = Pick<StepFacts, 'text' | 'finish' | 'usage' | 'model'>;

/** Who asks, and how: what the agent's code is told of a turn. The same for all of the turn, also after a take-over. */
export interface Caller {
  principal: { tenant: string; subject: string };
  /** The session, with the name that it had when the turn began. */
  session: { id: string; name?: string };
  turnId: string;
  /** What the token proved, as far as `MIDTURN_JWT_CLAIMS` names it. By the names of that setting. */
  claims: Readonly<Record<string, Json>>;
  /** The options of the message that began the turn, as the agent's `callOptionsSchema` gave them. */
  options?: Json;
  /** BCP 47, as the client said. */
  locale?: string;
  /** Of the IANA data base, as the client said. */
  timeZone?: string;
}

/** What is decided for a turn when it begins. It is committed with the turn's start. */
export interface CallSetup {
  caller: Caller;
  /** What the agent's code prepared for the turn. Undefined: it prepares nothing, or has failed. */
  prepared?: Json;
  /** The lane whose client asks, if the token of its connection is kept. */
  tokenLane?: LaneId;
}

/**
 * Gives the token of the user who asks, as long as it is valid and its connection lives.
 *
 * @throws {UserTokenError} with why there is none
 */
export type UserToken = () => Promise<string>;

/** Where the options of a message do not fit. */
interface OptionsIssue {
  /** The field, as `filter.city`. Empty: the options as a whole. */
  path: string;
}

/** The agent's code that is asked when a turn begins. */
export interface CallPreparation {
  /**
   * Checks the options of a message. A message without options has `{}`.
   *
   * @returns the options as the agent's code is given them; undefined: its code takes none
   * @throws what the agent's code throws
   */
  check(options: Json): Promise<{ options: Json | undefined } | OptionsIssue>;
  /**
   * Settings and instructions of this turn alone, as JSON. Undefined: the agent has the same for all turns.
   *
   * @throws what the agent's code throws, and an `Error` for what cannot be committed
   */
  prepare?: (caller: Caller) => Promise<Json>;
}

/** Whose uses are counted. */
export const BUDGET_HOLDERS = ['principal', 'tenant'] as const satisfies readonly (keyof Budgets)[];
export type BudgetHolder = (typeof BUDGET_HOLDERS)[number];

/** What may be used in a day, by settings and by the agent's code. */
export interface Budgeting {
  /** Who can have a budget, whoever asks. */
  readonly holders: readonly BudgetHolder[];
  /**
   * The budgets of a turn.
   *
   * @throws what the agent's code throws, and an `Error` for what is no budget
   */
  of(who: Pick<Caller, 'principal' | 'claims'>): Promise<Budgets>;
}

/** What an agent's code decides between the steps of a turn, and makes of its answer. */
export interface LoopControl {
  /**
   * Whether the turn ends after its last step, whose tools have given their results.
   *
   * @throws what the agent's code throws
   */
  isStopped(steps: readonly StepFacts[], setup: CallSetup): Promise<boolean>;
  /**
   * Reads an answer whose form the agent's code says. Undefined: answers have no form. It resolves to undefined for an answer
   * that does not have it.
   */
  readOutput?(answer: AnswerFacts): Promise<{ value: Json } | undefined>;
}

/** What happens in a turn, for an agent's code that looks on. `steps` are all finished ones. */
export type TurnNews = { turnId: string } & (
  | { type: 'step_ended'; steps: readonly StepFacts[] }
  | { type: 'tool_started'; call: ToolCall }
  | { type: 'tool_ended'; call: ToolCall; outcome: ToolOutcome; ms: number }
  | { type: 'done'; steps: readonly StepFacts[]; usage: Usage; output?: Json }
  /** `by`: the subject of the principal that stopped it. */
  | { type: 'aborted'; steps: readonly StepFacts[]; by: string }
  | { type: 'failed'; code: ErrorCode; message: string; retryable: boolean }
);

/** An agent's code that looks on. It changes nothing of a turn, which does not wait for it. */
export interface TurnObserver {
  /** Must not throw. */
  tell(news: TurnNews): void;
  /** Resolves when it has been told all, or after so long. Must not reject. */
  settled(ms: Milliseconds): Promise<void>;
}

/**
 * The files of a prompt by their references: the bytes in base64, as providers take them, or why there are none. `gone`: it has expired.
 * `large`: the files of the prompt are too many together.
 */
export type PromptFiles = ReadonlyMap<string, string | 'gone' | 'large'>;

export interface ModelRequest {
  messages: PromptMessage[];
  /** Undefined: the messages name none. */
  files?: PromptFiles;
  /** The turn, for an agent whose code looks on. */
  turnId?: string;
  /** The finished steps of the turn, for an agent whose code reads them. */
  steps?: readonly StepFacts[];
  /** What was decided when the turn began. */
  setup?: CallSetup;
  /** Of who asks. Undefined: nobody can be asked for it. */
  token?: UserToken;
  /** `none`: the model must answer now (step limit reached). Tools stay declared, since the prompt may contain calls. */
  toolChoice: 'auto' | 'none';
  /** Declare no tools, and put the instructions into the first message: for a model that takes neither. */
  bare?: true;
}

/**
 * How the prompts for one model differ from the transcript, because its provider refused a prompt. It speaks of entries up to
 * the one at which this was found: what comes later is shown as it is.
 */
export interface PromptShape {
  /** As `provider:model`. */
  model: string;
  /** Roles alternate, whatever the order of the transcript is. */
  alternating?: true;
  /** Up to this entry, a note stands in the place of each image and file. */
  imagesTo?: number;
  /** Up to this entry, calls and their results are text of the user, and texts have no control characters. */
  plainTo?: number;
  /** Entries before this one are left out. */
  from?: number;
  /** Up to this entry, what the provider's own of each answer is left out: what the model thought, signatures, ids. */
  unthoughtTo?: number;
  /** These entries are left out. */
  without?: readonly { first: number; last: number }[];
  /** No tools are declared, and the instructions are a part of the first message. Since this entry. */
  bareSince?: number;
}

export interface Usage {
  /** All that the model read, from the provider's cache or not. */
  inputTokens: number;
  /** All that the model wrote, what it thought among it. */
  outputTokens: number;
  /** Of the input: read from the provider's cache. Not every provider tells this and the following ones. */
  cacheReadTokens?: number;
  /** Of the input: written to the provider's cache. */
  cacheWriteTokens?: number;
  /** Of the output: what the model thought. */
  reasoningTokens?: number;
}

/** What a million tokens of a model cost. */
export interface Price {
  /** As it is shown: `USD`. */
  currency: string;
  input: number;
  output: number;
  /** Input that is read from the provider's cache. Default: as other input. */
  cacheRead?: number;
  /** Input that is written to the provider's cache. Default: as other input. */
  cacheWrite?: number;
}

export interface ModelFailure {
  code: Extract<ErrorCode, 'PROVIDER_ERROR' | 'AUTH_ERROR'>;
  reason: FailureReason;
  /** For the user: no secret, no stack trace, no payload of the provider. */
  message: string;
  /** Whether the same call could succeed later. */
  retryable: boolean;
  /** The provider asks for this pause before the next call. */
  retryAfterMs?: Milliseconds;
  /** For the log only. */
  diagnostic: string;
}

export type ModelPart =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  /** `invalid` says why the arguments do not fit the tool's schema. Such a call is not run. */
  | ({ type: 'tool_call'; invalid?: string } & ToolCall)
  /** A tool that the provider runs itself, and what it gave: in this call, or in a later one of the same turn. */
  | ({ type: 'provider_call' } & ToolCall)
  | ({ type: 'provider_result'; id: string; name: string } & ToolOutcome)
  | { type: 'source'; source: Source }
  /** `data` in base64. */
  | { type: 'file'; mediaType: string; data: string }
  /**
   * `reason`: `stop`, `length`, `content_filter`, `refusal`, `tool_calls`, `paused` (call again, and it goes on), or the
   * provider's own word. `cached`: the answer came from the response cache. `parts`: the whole call, where text and calls are
   * not all of it.
   */
  | { type: 'finish'; reason: string; usage: Usage; cached?: true; parts?: readonly VerbatimPart[] }
  | { type: 'failure'; failure: ModelFailure };

/** One configured model, with the agent's instructions and tools. */
export interface Model {
  /** As `done` shows them. */
  readonly provider: string;
  readonly name: string;
  /** All that shapes the answers beside the request. Undefined: the same request may be answered differently. */
  readonly fingerprint?: Json;
  /** Undefined: what a turn costs is not known. */
  readonly price?: Price;
  /** Prompts for it need roles that alternate (`MIDTURN_MODEL_ROLES`). */
  readonly alternates?: boolean;
  /**
   * Makes one model call. Must not throw: any failure, also in mid-stream, is a `failure` part, and the last one. A
   * complete call ends with `finish`. After `signal` aborts, the stream ends without either. It does not retry: the turn
   * does, since only the turn knows what is visible.
   *
   * @param alive called for each life sign of the provider, also for those that make no part
   */
  stream(request: ModelRequest, signal: AbortSignal, alive?: () => void): AsyncIterable<ModelPart>;
  /**
   * Asks the agent's code how one call is made: of which model, and with which settings. Undefined: each call is made of this
   * model, with the agent's settings.
   *
   * @param request as this model is asked
   * @param requestFor the same request as another model is asked: without what is this model's own
   * @param keepsModel the call is made of this model, whichever the code names
   * @throws what the agent's code throws, and an `Error` for what it may not change
   */
  prepareStep?(
    request: ModelRequest,
    requestFor: (model: Pick<Model, 'provider' | 'name'>) => ModelRequest,
    keepsModel: boolean,
  ): Promise<PreparedStep>;
}

/** One model call, as the agent's code prepared it. */
export interface PreparedStep {
  model: Model;
  request: ModelRequest;
}

/** Names a model among those that a session has had. */
export const modelId = ({ provider, name }: Pick<Model, 'provider' | 'name'>): string =>
  `${provider}:${name}`;

/** True: a user must approve the call. `denied`: it must not run, for this reason, which may be empty. */
export type ApprovalNeed = boolean | { denied: string };

/** A value for the page of the application. A later one of the turn with the same name and id replaces it. */
export interface DataPart {
  name: string;
  /** Undefined: the turn makes one, the same where the call runs again. */
  id?: string;
  data: Json;
}

/** Shows what a call does while it runs. Both return at once: what is shown is stored before it is sent, soon after. */
export interface CallDisplay {
  /** A value that stands until the next one, or the call's result. After the call's end it is ignored. */
  progress(value: Json): void;
  /** @throws {DataError} if it cannot be sent */
  data(part: DataPart): void;
}

/** Tools that a client runs: the turn asks it for their outputs. */
export interface ClientTools {
  has(name: string): boolean;
  /** Why a client is not asked to run this call. Undefined: it is. Must not throw. */
  complaintAbout(call: ToolCall): Promise<string | undefined>;
  /** The outcome of a call for which a client gave this output. Must not throw. */
  outcomeOf(call: ToolCall, output: Json): Promise<ToolOutcome>;
  /** How long a client has for a call of it. Undefined: as long as a user has for an approval. */
  answerSeconds(name: string): Seconds | undefined;
}

/** The agent's tools, as the turn runs them. */
export interface Toolbox {
  /**
   * Runs one call. Must not throw: a tool that fails gives an outcome with `isError`.
   *
   * @param context `idempotencyKey` is the same whenever the same call is run again. If `signal` aborts with the reason
   * `message`, what the tool then gives is still its outcome. After any other reason it is ignored.
   */
  run(
    call: ToolCall,
    context: {
      signal: AbortSignal;
      idempotencyKey: string;
      setup: CallSetup;
      display: CallDisplay;
      files: CallFiles;
      /** Undefined: nobody's is kept. */
      token?: UserToken;
      /** Undefined: the user cannot be asked anything. */
      input?: CallInput;
    },
  ): Promise<ToolOutcome>;
  /** Whether a user must approve this call before it runs. Must not throw: in doubt the call needs approval. */
  needsApproval(call: ToolCall, setup: CallSetup): Promise<ApprovalNeed>;
  /**
   * Which later calls a user may approve together with this one (`always`): those for which this text is the same. It begins
   * with the tool's name. Undefined: none, each call is asked about. Must not throw.
   */
  alwaysCovers(call: ToolCall): Promise<string | undefined>;
  /** The tools that a client runs. Undefined: there are none. */
  readonly client?: ClientTools;
  /** Whether a call whose outcome is unknown may be run again. */
  isIdempotent(name: string): boolean;
  /** Whether a message with `delivery: now` may stop a call of it. */
  isAbortable(name: string): boolean;
  /** How many calls of a step may run at the same time. Undefined: all. */
  readonly concurrency?: number;
  /** How long a call may take. Then it is stopped, and its result says so. */
  timeLimitMs(name: string): Milliseconds;
}
