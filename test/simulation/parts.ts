import type { Content } from '../../core/content.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import type { VerbatimPart } from '../../core/model.ts';

/** A finished model call. */
export interface Given {
  /** As `provider:model`. */
  model: string;
  text: string;
  parts: readonly VerbatimPart[];
}

/** A part of a prompt, or what an event adds to later prompts. */
export interface Part {
  kind: string;
  text: string;
  /** The id of a user's message. */
  id?: string;
}

/** Content as text: equal if and only if the contents are. */
export const written = (content: Content): string =>
  typeof content === 'string' ? content : JSON.stringify(content);

/** The same, and who has said it. */
export const writtenBy = (from: 'system' | undefined, content: Content): string =>
  `${from ? `${from}: ` : ''}${written(content)}`;

/** What an event adds to later prompts. What the provider ran (`run`, `found`) is in words there, or among its thoughts. */
export function partsOfEvent(event: TurnEvent): Part[] {
  switch (event.type) {
    case 'applied':
      return event.messages.map(({ id, content, from }) => ({
        kind: 'user',
        text: writtenBy(from, content),
        id,
      }));
    case 'chunk':
      return [{ kind: 'said', text: event.content }];
    case 'tool_call':
      return [{ kind: event.provider_executed ? 'run' : 'call', text: event.id }];
    case 'tool_result':
      return [{ kind: event.provider_executed ? 'found' : 'result', text: event.id }];
    case 'turn_start':
    case 'thinking':
    case 'approval_request':
    case 'approval_resolved':
    case 'history_trimmed':
    case 'model_changed':
    case 'done':
    case 'aborted':
    case 'error':
    case 'source':
    case 'file':
    case 'compacted':
    case 'tool_progress':
    case 'data':
    case 'tool_output_request':
    case 'elicitation_request':
    case 'elicitation_resolved':
    case 'foreign':
      return [];
  }
}

/** The results of one step are in the order of the calls in a prompt, and in the order of completion in the transcript. */
export function canonical(parts: readonly Part[]): string {
  let text = '';
  let results: string[] = [];
  let last = '';
  const close = () => {
    text += results
      .sort()
      .map((id) => `R(${id})`)
      .join('');
    results = [];
  };
  for (const part of parts) {
    if (part.kind === 'result') {
      results.push(part.text);
      last = 'result';
      continue;
    }
    close();
    // One answer's text may be in several entries, or be split by a take-over.
    text +=
      part.kind === 'said' ? (last === 'said' ? part.text : `S:${part.text}`) : `|${part.kind}:${part.text}|`;
    last = part.kind;
  }
  close();
  return text;
}

/** Whether a model call that fails after this event was visible to clients. */
export const VISIBLE: Readonly<Record<TurnEvent['type'], boolean>> = {
  chunk: true,
  thinking: true,
  tool_call: true,
  source: true,
  file: true,
  turn_start: false,
  applied: false,
  tool_result: false,
  approval_request: false,
  approval_resolved: false,
  history_trimmed: false,
  compacted: false,
  tool_progress: false,
  elicitation_request: false,
  elicitation_resolved: false,
  data: false,
  tool_output_request: false,
  model_changed: false,
  done: false,
  aborted: false,
  error: false,
  foreign: false,
};
