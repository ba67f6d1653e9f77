import type { ErrorCode, FailureReason } from '../../protocol/errors.ts';
import { type FilePart, fileBytes, filesOf, shownFiles } from '../content.ts';
import { type Entry, isSpoken, sizeInPrompt } from '../events/entries.ts';
import type { EventDraft, TurnEvent } from '../events/events.ts';
import { isLeftOut, promptOf, type Shape } from '../events/prompt.ts';
import { withoutRefused, withoutUnchecked } from '../events/refused.ts';
import {
  type Model,
  type ModelFailure,
  type ModelRequest,
  modelId,
  type PromptMessage,
  type PromptShape,
} from '../model.ts';
import type { Summary } from '../store/items.ts';
import { sessionKey } from '../store/keys.ts';
import { rememberCompacted, rememberCut, rememberShapes } from '../store/session-writes.ts';
import type { EarlierTurns } from './context-window.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { fieldsOf } from './usage.ts';

/**
 * The shape of a turn's prompts. A transcript only grows, so a prompt that a provider refuses would be refused in every later
 * turn. Instead the prompt is sent again with one change more, from those that lose nothing to the last message alone. Each
 * change is a committed event, so that a worker that takes over goes on from it. At the turn's end the session remembers the
 * shape, and its next turn begins with it.
 */

/** Refused prompts of one turn that are sent again in another form. A long turn's steps can be halved often: the last is the shortest form. */
const MAX_CHANGES = 8;
/** A shape that cuts earlier turns to their half is tried this often, before all of them are left out. */
const MAX_HALVINGS = 2;
/** Entries after which a model that refused tools is offered them again. */
const BARE_ENTRIES = 40;
const MAX_SPANS = 50;
const MAX_MODELS = 4;

/** What the transcript has for a prompt. */
export interface Sources {
  /** Entries of earlier turns, within the budget. */
  earlier: readonly Entry[];
  /** Entries of the running turn. */
  current: readonly Entry[];
  /** Number of the running turn's first entry. */
  firstEntry: number;
  /** Stands before the entries of earlier turns. */
  summary?: Summary | undefined;
  /** The agent has a hook that checks messages: of earlier turns, none that it may not have seen is in a prompt. */
  checksMessages?: boolean;
}

/** What models may read of it, in its order. */
export const readable = ({ earlier, current, checksMessages }: Sources): readonly Entry[] =>
  withoutRefused([
    .../* rule: unchecked-message-in-no-prompt */ (checksMessages ? withoutUnchecked(earlier) : earlier),
    ...current,
  ]);

type Trimmed = Extract<TurnEvent, { type: 'history_trimmed' }>;
type Refusal = Extract<FailureReason, 'rejected' | 'overlong' | 'withheld'>;

const changesOf = (turn: Pick<LeasedTurn, 'events'>): Trimmed[] =>
  turn.events.filter((event) => event.type === 'history_trimmed' && event.shape !== undefined) as Trimmed[];

const isRefusal = (reason: FailureReason): reason is Refusal =>
  reason === 'rejected' || reason === 'overlong' || reason === 'withheld';

type Shaped = Pick<Model, 'provider' | 'name' | 'alternates'>;

/** The shape that this turn's next prompt for a model has. */
export function shapeOf(turn: LeasedTurn, model: Shaped): PromptShape {
  const changed = changesOf(turn).findLast(({ shape }) => shape?.model === modelId(model));
  return changed?.shape ?? rememberedShape(turn, model);
}

function rememberedShape({ promptShapes, firstEntry }: LeasedTurn, model: Shaped): PromptShape {
  const known = promptShapes.find((shape) => shape.model === modelId(model)) ?? {
    model: modelId(model),
    ...(model.alternates && { alternating: true }),
  };
  const { bareSince, ...rest } = known;
  return bareSince === undefined || firstEntry - bareSince < BARE_ENTRIES ? known : rest;
}

/** The request for the turn's next model call. */
export const requestOf = (
  sources: Sources,
  shape: Shape,
  toolChoice: ModelRequest['toolChoice'],
): ModelRequest => ({
  messages: promptOf(readable(sources), shape, shownSummary(sources, shape)?.text),
  toolChoice: shape.bareSince === undefined ? toolChoice : 'none',
  ...(shape.bareSince !== undefined && { bare: true as const }),
});

/** A summary stands where the last entry stood that it is about: a shape that leaves that out leaves out the summary too. */
const shownSummary = ({ summary }: Pick<Sources, 'summary'>, shape: Shape): Summary | undefined =>
  summary && /* rule: refused-summary-is-left-out */ !isLeftOut({ n: summary.to }, shape)
    ? summary
    : undefined;

/** What of the transcript is not in a prompt of this shape. */
function leftOut({ earlier, current, firstEntry }: Sources, shape: Shape) {
  const kept = earlier.filter((entry) => !isLeftOut(entry, shape));
  const lost = current.filter((entry) => isLeftOut(entry, shape)).length;
  return {
    dropped_messages: firstEntry - 1 - kept.length + lost,
    kept_turns: new Set(kept.map(({ turn }) => turn)).size,
  };
}

/**
 * Commits `history_trimmed`, once in a turn, before the first model call that does not see the whole transcript.
 *
 * @returns whether it committed
 */
export async function reportTrimmed(
  turn: LeasedTurn,
  { trimmed, cutAt }: EarlierTurns,
  sources: Sources,
  shape: Shape,
): Promise<boolean> {
  if (turn.events.some(({ type }) => type === 'history_trimmed')) return false;
  const facts = leftOut(sources, shape);
  if (!trimmed && sources.earlier.every((entry) => !isLeftOut(entry, shape))) return false;
  const reason = trimmed ? 'context_tokens' : 'remembered';
  const summary = shownSummary(sources, shape);
  const isNew = summary !== undefined && !wasTold(turn, summary, sources);
  await turn.commitAlways([
    { type: 'history_trimmed', ...facts, reason, ...(summary && { compacted_to: summary.to }) },
    ...(isNew ? [compacted(summary)] : []),
  ]);
  if (isNew) await turn.core.store.update(sessionKey(turn.session), rememberCompacted(summary.to));
  if (cutAt !== undefined) await rememberCutAt(turn, cutAt);
  return true;
}

/** The transcript says it too, if the worker that told of it died before the session knew. */
const wasTold = ({ sessionItem }: LeasedTurn, { to }: Summary, { earlier }: Sources): boolean =>
  /* rule: summary-is-told-once */ (sessionItem.compactedTo ?? 0) >= to ||
  earlier.some((entry) => entry.role === 'event' && isAbout(entry.event, to));

const isAbout = (event: TurnEvent, to: number): boolean =>
  event.type === 'compacted' && event.to_entry === to;

const compacted = ({ first, to, provider, model, usage, cost, currency }: Summary): EventDraft => ({
  type: 'compacted',
  from_entry: first,
  to_entry: to,
  model,
  provider,
  ...fieldsOf(usage, cost),
  ...(currency !== undefined && { currency }),
});

/** A worker that takes over, or a later turn that does not find it, makes the same cut or the next one. */
async function rememberCutAt(turn: LeasedTurn, cutAt: number): Promise<void> {
  turn.promptFrom = cutAt;
  // rule: cut-is-remembered
  await turn.core.store.update(sessionKey(turn.session), rememberCut(cutAt));
}

/**
 * After a refusal before any output: commits the next change of the shape of prompts for this model.
 *
 * @param only `lossless`: a change that keeps all content, since another model may take it all
 * @returns false if the failure is no refusal of the prompt, or no change is left
 */
export async function reshape(
  turn: LeasedTurn,
  model: Shaped,
  { reason }: ModelFailure,
  sources: Sources,
  only: 'lossless' | 'any',
): Promise<boolean> {
  const made = changesOf(turn);
  if (!isRefusal(reason) || made.length >= MAX_CHANGES) return false;
  const before = shapeOf(turn, model);
  const change = nextChange(before, reason, sources, {
    halvings: made.filter(({ form }) => form === 'recent').length,
    isLast: made.length === MAX_CHANGES - 1,
  });
  if (!change || (only === 'lossless' && !LOSSLESS.has(change.form))) return false;
  const { form, shape } = change;
  await turn.commitAlways([{ type: 'history_trimmed', ...leftOut(sources, shape), reason, form, shape }]);
  const { core } = turn;
  core.metrics.countBy('PromptsReshaped', form);
  core.log.warn('the provider refused a prompt: it is sent again in another form', {
    turn: turn.id,
    reason,
    form,
  });
  return true;
}

/**
 * After every form was refused: the messages that the last call was about are left out of later prompts, and other content is
 * shown again as it was before this turn.
 */
export async function leaveOut(
  turn: LeasedTurn,
  model: Shaped,
  { reason }: ModelFailure,
  sources: Sources,
): Promise<boolean> {
  if (!isRefusal(reason)) return false;
  const asked = lastAsked(sources.current);
  const first = asked[0]?.n;
  const last = sources.current.at(-1)?.n;
  if (first === undefined || last === undefined) return false;
  const remembered = rememberedShape(turn, model);
  const shape: PromptShape = {
    ...remembered,
    without: [...(remembered.without ?? []), { first, last }].slice(-MAX_SPANS),
  };
  const draft: EventDraft = {
    type: 'history_trimmed',
    ...leftOut(sources, shape),
    reason,
    form: 'without_message',
    message_ids: asked.map(({ id }) => id),
    shape,
  };
  await turn.commitAlways([draft]);
  return true;
}

const REFUSED: Readonly<Record<Refusal, string>> = {
  overlong: 'The message is longer than the model can take. Later prompts leave it out.',
  rejected: 'The model provider rejected the message in every form. Later prompts leave it out.',
  withheld: "The message was refused by the model provider's content filter. Later prompts leave it out.",
};

/** The failure of a turn whose last messages were left out, and none has come since. It follows from the turn's events. */
export function refusedMessage(turn: Pick<LeasedTurn, 'events'>) {
  const last = turn.events.findLast(({ type }) => type === 'applied' || type === 'history_trimmed');
  if (last?.type !== 'history_trimmed' || last.form !== 'without_message') return undefined;
  const reason = last.reason as FailureReason;
  const code: ErrorCode = 'PROVIDER_ERROR';
  return isRefusal(reason) ? { code, reason, message: REFUSED[reason], retryable: false } : undefined;
}

/** After a turn's end: the session remembers the last shape of its prompts for each model. */
export async function keepShape(turn: LeasedTurn): Promise<void> {
  const changed = new Map(changesOf(turn).flatMap(({ shape }) => (shape ? [[shape.model, shape]] : [])));
  if (changed.size === 0) return;
  const others = turn.promptShapes.filter(({ model }) => !changed.has(model));
  turn.promptShapes = [...others, ...[...changed.values()].map(withoutOldSpans)].slice(-MAX_MODELS);
  await turn.core.store.update(sessionKey(turn.session), rememberShapes(turn.promptShapes));
}

function withoutOldSpans({ without, ...shape }: PromptShape): PromptShape {
  const left = without?.filter(({ last }) => last >= (shape.from ?? 0)) ?? [];
  return left.length > 0 ? { ...shape, without: left } : shape;
}

/** Forms that keep all that was said. */
const LOSSLESS: ReadonlySet<string> = new Set(['without_thoughts', 'alternating']);

interface Change {
  form: string;
  shape: PromptShape;
}

/** The first change after a refusal of `shape` that makes another prompt: after `overlong`, a shorter one. */
function nextChange(
  shape: PromptShape,
  reason: Refusal,
  sources: Sources,
  { halvings, isLast }: { halvings: number; isLast: boolean },
): Change | undefined {
  const refused = measured(sources, shape);
  return changesAfter(shape, reason, sources, halvings).find((change) => {
    if (isLast && change.form !== 'last_message') return false;
    const next = measured(sources, change.shape);
    if (next.isEmpty) return false;
    if (next.isBare && !refused.isBare) return true;
    return reason === 'overlong' ? next.size < refused.size : next.text !== refused.text;
  });
}

function measured(sources: Sources, shape: Shape) {
  const { messages, bare } = requestOf(sources, shape, 'auto');
  const text = JSON.stringify(messages);
  const size = text.length + fileBytes(messages.flatMap(filesIn));
  return { text, size, isBare: bare === true, isEmpty: messages.length === 0 };
}

/** The files that a message of a prompt names. */
export function filesIn(message: PromptMessage): FilePart[] {
  if (message.role === 'user') return filesOf(message.content);
  return message.role === 'tool' ? message.results.flatMap(({ shown }) => shownFiles(shown)) : [];
}

function changesAfter(shape: PromptShape, reason: Refusal, sources: Sources, halvings: number): Change[] {
  const { earlier, current, firstEntry } = sources;
  const last = current.at(-1)?.n ?? firstEntry;
  const asked = lastAsked(current)[0]?.n ?? firstEntry;
  const shown = (entries: readonly Entry[]) =>
    entries.filter((entry) => isSpoken(entry) && !isLeftOut(entry, shape));
  const plain = { alternating: true, plainTo: last } as const;

  const withoutThoughts = { form: 'without_thoughts', shape: { ...shape, unthoughtTo: last } };
  const alternating = { form: 'alternating', shape: { ...shape, alternating: true as const } };
  const withoutImages = { form: 'without_images', shape: { ...shape, imagesTo: last } };
  const recent = {
    form: 'recent',
    shape: { ...shape, from: newerHalf(shown(earlier), turnsOf)?.n ?? firstEntry },
  };
  const plainer = { form: 'plain', shape: { ...shape, ...plain } };
  const thisTurn = { form: 'this_turn', shape: { ...shape, from: firstEntry } };
  const lastMessage = {
    form: 'last_message',
    shape: { ...shape, ...plain, imagesTo: last, from: asked, bareSince: last },
  };
  switch (reason) {
    case 'rejected':
      return [withoutThoughts, alternating, withoutImages, plainer, thisTurn, lastMessage];
    case 'overlong': {
      const since = shown(current).filter(({ n, role }) => n > asked && role !== 'user');
      const kept = newerHalf(since, stepsOf);
      const steps = since[0] && kept ? [{ first: since[0].n, last: kept.n - 1 }] : [];
      const recentSteps = {
        form: 'recent_steps',
        shape: { ...thisTurn.shape, without: [...(shape.without ?? []), ...steps] },
      };
      return [
        ...(halvings < MAX_HALVINGS ? [recent] : []),
        withoutThoughts,
        withoutImages,
        thisTurn,
        ...(steps.length > 0 ? [recentSteps] : []),
        lastMessage,
      ];
    }
    case 'withheld': {
      // What a filter refused is not sent in another form. If the turn before was refused too, older content is the cause.
      const spoken = earlier.findLast(isSpoken)?.n ?? 0;
      const isSecond = spoken <= (shape.without?.at(-1)?.last ?? -1);
      return isSecond ? [thisTurn] : [];
    }
  }
}

/** The messages that the turn's last model call had to answer. */
function lastAsked(current: readonly Entry[]): Extract<Entry, { role: 'user' }>[] {
  const users = current.filter((entry) => entry.role === 'user');
  const step = users.at(-1)?.step;
  return users.filter((entry) => entry.step === step);
}

const turnsOf = (entry: Entry, before: Entry): boolean => entry.turn !== before.turn;

/** A step begins with what the model says or calls after results. */
const stepsOf = (entry: Entry, before: Entry): boolean =>
  before.role === 'tool_result' && entry.role !== 'tool_result';

/** The first entry of the newest groups that take at most half of all bytes. Undefined if no group is as small. */
function newerHalf(
  entries: readonly Entry[],
  begins: (entry: Entry, before: Entry) => boolean,
): Entry | undefined {
  const sizes = entries.map(sizeInPrompt);
  let left = sizes.reduce((sum, size) => sum + size, 0) / 2;
  let first: Entry | undefined;
  for (const [i, entry] of [...entries.entries()].reverse()) {
    left -= sizes[i] ?? 0;
    if (left < 0) break;
    const before = entries[i - 1];
    if (before && begins(entry, before)) first = entry;
  }
  return first;
}
