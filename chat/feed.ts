import { endingNote, shortened } from '../client/display.ts';
import type {
  ApprovalItem,
  ChatState,
  Content,
  Item,
  MessageState,
  Source,
  ToolItem,
  ToolRequest,
  TurnOutcome,
  UserItem,
} from '../client/index.ts';
import { argumentLines, brief } from './values.ts';

/**
 * New output for the screen. A `text` continues where the last text ended; a `line` is a line of its own. `aside`: the line has no
 * place in the conversation, and a text that is unfinished continues after it.
 */
export type Piece =
  | { kind: 'text'; style: 'answer' | 'thinking'; text: string }
  | { kind: 'line'; style: 'user' | 'note' | 'trouble'; text: string; aside?: boolean };

type Line = Omit<Extract<Piece, { kind: 'line' }>, 'kind'>;

/** Maximum length of a tool's arguments or output on one line. */
const VALUE_CHARACTERS = 60;

/** Converts the growing conversation into output: each item once, and nothing is taken back. */
export class Feed {
  readonly #told = new Set<string>();
  readonly #lengths = new Map<string, number>();
  /** Turns that were shown to their end, so that their items from history are not shown again. */
  readonly #over = new Set<string>();

  next({ items }: Pick<ChatState, 'items'>): Piece[] {
    const pieces = items.flatMap((item) => this.#piecesOf(item));
    for (const item of items) if (item.kind === 'turn_end') this.#over.add(item.turnId);
    return pieces;
  }

  #piecesOf(item: Item): Piece[] {
    switch (item.kind) {
      case 'text':
      case 'thinking': {
        const told = this.#lengths.get(item.key);
        if (told === undefined && this.#over.has(item.turnId)) return [];
        // A model may begin with line breaks, which would be empty lines below what stands before.
        const content = item.content.replace(/^\n+/, '');
        this.#lengths.set(item.key, content.length);
        const text = content.slice(told ?? 0);
        const style = item.kind === 'text' ? 'answer' : 'thinking';
        return text === '' ? [] : [{ kind: 'text', style, text }];
      }
      case 'user':
        return this.#once(item, item.state.status, () => userLine(item));
      case 'tool':
        return [...this.#requestOf(item), ...this.#progressOf(item), ...this.#resultOf(item)];
      case 'approval':
        return [
          ...this.#once(item, 'asked', () => ({
            style: 'trouble',
            text: requestText(item),
          })),
          ...(item.resolved
            ? this.#once(item, 'resolved', () => ({ style: 'note', text: approvalLine(item) }))
            : []),
        ];
      case 'trimmed':
        return this.#once(item, 'told', () => ({
          style: 'note',
          text:
            item.form && item.droppedMessages === 0
              ? 'The provider refused the prompt: the model is shown the conversation in another form.'
              : `${item.droppedMessages} older messages are left out of the prompt from here on.`,
        }));
      case 'compacted':
        return this.#once(item, 'told', () => ({
          style: 'note',
          text: 'Earlier messages are summarised for the model from here on.',
        }));
      case 'model_changed':
        return this.#once(item, 'told', () => ({
          style: 'note',
          text: `${item.from} failed (${item.reason}): ${item.provider}:${item.model} goes on.`,
        }));
      case 'sources':
        return item.sources.flatMap((source) =>
          this.#once(item, source.id, () => ({ style: 'note', text: `[source: ${sourceName(source)}]` })),
        );
      case 'file':
        return this.#once(item, 'told', () => ({
          style: 'note',
          text: `[file of the model: ${item.mediaType}, ${item.bytes} bytes${item.data === undefined ? ', too large to be kept' : ''}]`,
        }));
      case 'data':
        return this.#onceAs(item, `[${item.name}: ${short(item.data)}]`);
      case 'turn_end':
        return this.#once(item, 'told', () => endLine(item.outcome));
    }
  }

  #requestOf(item: ToolItem): Piece[] {
    return item.request ? this.#onceAs(item, clientToolText(item, item.request)) : [];
  }

  /** Each value of a running tool is a line: a terminal takes nothing back. */
  #progressOf(item: ToolItem): Piece[] {
    return item.progress === undefined ? [] : this.#onceAs(item, `* ${item.name}: ${short(item.progress)}`);
  }

  #resultOf(item: ToolItem): Piece[] {
    return item.result ? this.#once(item, 'result', () => ({ style: 'note', text: toolLine(item) })) : [];
  }

  /** Each time that it reads otherwise. */
  #onceAs(item: Item, text: string): Piece[] {
    return this.#once(item, text, () => ({ style: 'note', text }));
  }

  #once(item: Item, stage: string, tell: () => Line | undefined): Piece[] {
    const name = `${item.key} ${stage}`;
    if (this.#told.has(name)) return [];
    this.#told.add(name);
    if (item.kind !== 'user' && item.kind !== 'turn_end' && this.#over.has(item.turnId)) return [];
    const line = tell();
    return line ? [{ kind: 'line', ...line }] : [];
  }
}

const sourceName = (source: Source): string =>
  source.type === 'url' ? [source.title, source.url].filter(Boolean).join(', ') : source.title;

function userLine({ content, state, from }: UserItem): Line | undefined {
  switch (state.status) {
    case 'applied': {
      // The first step says nothing: each answer has one.
      const isSteering = state.step !== undefined && state.step > 1;
      const note = isSteering ? `   [taken in at step ${state.step}]` : '';
      if (from === 'system') return { style: 'note', text: `[system] ${written(content)}${note}` };
      return { style: 'user', text: `> ${written(content)}${note}` };
    }
    case 'cancelled':
      return { style: 'note', text: `x ${written(content)}   [withdrawn]`, aside: true };
    case 'rejected': {
      const why = `refused: ${state.code}. ${state.message}`;
      return { style: 'trouble', text: `x ${written(content)}   [${why}]`, aside: true };
    }
    default:
      return undefined;
  }
}

/** The content as text. A terminal shows no images, so an image is its URL or its type. */
export function written(content: Content): string {
  if (typeof content === 'string') return content;
  return content
    .map((part) => {
      if (part.type === 'text') return part.text;
      if (part.type === 'file') return `[file ${part.name ?? part.media_type}]`;
      return 'url' in part ? `[image ${part.url}]` : `[image, ${part.media_type}]`;
    })
    .join(' ');
}

/** What a pending message waits for. */
export function waitingNote({ state, withdrawing }: UserItem): string {
  return withdrawing ? 'withdrawing' : stateNote(state);
}

function stateNote(state: MessageState): string {
  switch (state.status) {
    case 'sending':
      return 'sending';
    case 'accepted':
      return state.placement === 'steering' ? 'accepted, steers at the next step' : 'accepted';
    case 'queued':
      return 'queued, after this answer';
    default:
      return state.status;
  }
}

export function toolLine({ name, args, result }: ToolItem): string {
  const outcome = !result ? '…' : `${result.isError ? 'failed: ' : ''}${short(result.output)}`;
  return `* ${name}(${short(args)}) → ${outcome}`;
}

function short(value: unknown): string {
  const line = brief(value).replaceAll(/\s+/g, ' ');
  return shortened(line, VALUE_CHARACTERS);
}

function endLine(outcome: TurnOutcome): Line {
  switch (outcome.result) {
    case 'done': {
      const { steps, inputTokens, outputTokens, cost, currency, model, finishReason } = outcome.usage;
      const ending = endingNote(finishReason);
      const price = cost === undefined ? '' : `, ${cost} ${currency}`;
      const tokens = `${inputTokens} tokens in, ${outputTokens} out${price}`;
      return {
        style: 'note',
        text: `-- done${ending ? `, ${ending}` : ''}: ${steps} ${steps === 1 ? 'step' : 'steps'}, ${tokens}, ${model}`,
      };
    }
    case 'aborted':
      return { style: 'note', text: '-- stopped. What was said is kept.' };
    case 'failed':
      return { style: 'trouble', text: `-- failed: ${outcome.code}. ${outcome.message}` };
  }
}

/** What a tool asks, and how to answer. */
function requestText(item: ApprovalItem): string {
  const answers = item.offersAlways ? '/approve, /always or /deny' : '/approve or /deny';
  return [
    `${item.tool} asks to run:`,
    ...argumentLines(item),
    `${answers}. Without an answer it counts as denied after ${item.timeoutSeconds} s.`,
  ].join('\n');
}

/** What an application is asked to run. */
const clientToolText = ({ name, args }: ToolItem, { timeoutSeconds }: ToolRequest): string =>
  `* ${name}(${short(args)}) waits for an application: this terminal cannot run it. Without an answer it fails after ${timeoutSeconds} s.`;

function approvalLine({ tool, decision, resolved }: ApprovalItem): string {
  switch (resolved?.reason) {
    case 'timeout':
      return `${tool} was not run: nobody answered in time.`;
    case 'aborted':
      return `${tool} was not run: the turn was stopped.`;
    case 'always':
      return `${tool} was approved: you answered /always before.`;
    default:
      // A session belongs to one principal (4.1.3): who answered, on any device, is the user.
      return decision === 'deny' ? `${tool} was denied by you.` : `${tool} was approved by you.`;
  }
}
