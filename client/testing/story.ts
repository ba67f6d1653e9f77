import type { Content, EventFrame, FrameOf, HistoryEntry, SessionStart } from '../protocol.ts';
import { endsTurn, type Item } from '../state.ts';
import { last } from './last.ts';

type Unnumbered = EventFrame extends infer E
  ? E extends EventFrame
    ? Omit<E, 'seq' | 'turn_id'>
    : never
  : never;

/** The content of a session: its events, and the transcript that follows from them. */
export class Story {
  readonly events: EventFrame[] = [];
  readonly entries: HistoryEntry[] = [];
  turn: { id: string; firstSeq: number; text: string } | undefined;
  #turns = 0;
  #span = '';

  begin(ids: string[]): void {
    this.#turns += 1;
    this.turn = { id: `turn-${this.#turns}`, firstSeq: this.events.length + 1, text: '' };
    this.add({ type: 'turn_start', message_ids: ids });
  }

  takeIn(messages: { id: string; content: Content }[], step: number): void {
    this.#closeSpan();
    this.add({ type: 'applied', messages, step });
    for (const message of messages) this.#enter({ role: 'user', ...message, at: 0, step });
  }

  say(content: string): void {
    if (!this.turn) return;
    this.add({ type: 'chunk', content, offset: this.turn.text.length });
    this.turn.text += content;
    this.#span += content;
  }

  think(content: string): void {
    this.add({ type: 'thinking', content });
  }

  call(id: string): void {
    this.#closeSpan();
    this.add({ type: 'tool_call', id, name: 'wait', args: { seconds: 1 } });
    this.#enter({ role: 'tool_call', id, name: 'wait', args: { seconds: 1 } });
  }

  result(id: string): void {
    this.add({ type: 'tool_result', id, name: 'wait', output: '{"waited_seconds":1}', json: true });
    this.#enter({ role: 'tool_result', id, name: 'wait', output: '{"waited_seconds":1}', json: true });
  }

  /** What a running tool shows, and a value that it sends: the same one for all calls of the turn, then one of its own. */
  show(id: string, value: string): void {
    this.add({ type: 'tool_progress', id, name: 'wait', output: value });
    for (const part of ['shared', id]) {
      this.#closeSpan();
      this.add({ type: 'data', name: 'chart', id: part, data: { value }, tool_call_id: id });
      const event = this.events.at(-1);
      if (event?.type === 'data') this.#enter({ role: 'event', event });
    }
  }

  ask(request_id: string): void {
    const asked = { tool_call_id: 'c1', tool: 'order', arguments_summary: '{}', timeout_secs: 120 };
    this.add({ type: 'approval_request', request_id, ...asked });
  }

  askClient(request_id: string, tool_call_id: string, lane: string): void {
    const asked = { tool_call_id, tool: 'wait', arguments: { seconds: 1 }, timeout_secs: 120 };
    this.add({ type: 'tool_output_request', request_id, lane, ...asked });
  }

  resolve(request_id: string, decision: 'approve' | 'deny' | 'always', by: string): void {
    this.add({ type: 'approval_resolved', request_id, decision, reason: 'answer', by });
  }

  end(how: 'done' | 'aborted' | 'error'): void {
    this.#closeSpan();
    this.#addEnd(how);
    const event = last(this.events);
    if (event && endsTurn(event)) {
      const omitted = { full_response: null, full_response_omitted: true } as const;
      this.#enter({ role: 'event', event: { ...event, ...omitted } });
    }
    this.turn = undefined;
  }

  #addEnd(how: 'done' | 'aborted' | 'error'): void {
    const full_response = this.turn?.text ?? '';
    if (how === 'aborted') this.add({ type: how, full_response, by: 'user' });
    else if (how === 'error') {
      const code = 'PROVIDER_ERROR' as const;
      this.add({ type: how, code, message: 'gone', terminal: true, full_response, retryable: true });
    } else {
      const tokens = { input_tokens: 1, output_tokens: 1, tokens_used: 2, last_input_tokens: 1 };
      this.add({ type: how, full_response, ...tokens, model: 'demo', provider: 'demo', steps: 1 });
    }
  }

  add(event: Unnumbered): void {
    const seq = this.events.length + 1;
    this.events.push({ ...event, seq, turn_id: this.turn?.id ?? '' } as EventFrame);
  }

  #closeSpan(): void {
    if (this.#span !== '') this.#enter({ role: 'assistant', content: this.#span });
    this.#span = '';
  }

  #enter(
    entry: {
      [R in HistoryEntry['role']]: Omit<Extract<HistoryEntry, { role: R }>, 'n' | 'turn_id'>;
    }[HistoryEntry['role']],
  ): void {
    this.entries.push({ ...entry, n: this.entries.length + 1, turn_id: this.turn?.id ?? '' } as HistoryEntry);
  }

  sessionStart(lane: string): SessionStart {
    const { turn } = this;
    return {
      type: 'session_start',
      session_id: 's',
      resumed: this.events.length > 0,
      message_count: this.entries.length,
      lane,
      last_seq: this.events.length,
      ...(turn ? { active_turn: { turn_id: turn.id, started_at: 1, first_seq: turn.firstSeq } } : {}),
      limits: {
        content_bytes: 24 * 1024,
        inbox_messages: 64,
        inbox_bytes: 131_072,
        session_turns: 8,
        queue_timeout_seconds: 30,
        frame_bytes: 32_768,
      },
    };
  }

  page({
    before,
    limit = 50,
  }: {
    before?: number | undefined;
    limit?: number | undefined;
  }): FrameOf<'history'> {
    const all = this.entries.filter(({ n }) => before === undefined || n < before);
    const entries = all.slice(-limit);
    const next = all.length > entries.length ? entries[0]?.n : undefined;
    return { type: 'history', entries, ...(next === undefined ? {} : { next }) };
  }
}

/** The parts that a view and a transcript have in common, in the same form. */
export type Line = string;

export function linesOfItems(items: readonly Item[]): Line[] {
  const lines: { turn: string; kind: string; text: string }[] = [];
  for (const item of items) {
    if (item.kind === 'user' && item.state.status === 'applied') {
      lines.push({ turn: item.state.turnId, kind: `user ${item.id}`, text: JSON.stringify(item.content) });
    } else if (item.kind === 'text') {
      const before = last(lines);
      // Only the view has thinking between two spans.
      if (before?.kind === 'text' && before.turn === item.turnId) before.text += item.content;
      else lines.push({ turn: item.turnId, kind: 'text', text: item.content });
    } else if (item.kind === 'tool') {
      lines.push({
        turn: item.turnId,
        kind: `tool ${item.id}`,
        text: JSON.stringify(item.result?.output ?? null),
      });
    } else if (item.kind === 'data') {
      lines.push({ turn: item.turnId, kind: `data ${item.id}`, text: JSON.stringify(item.data) });
    } else if (item.kind === 'turn_end') {
      lines.push({ turn: item.turnId, kind: 'end', text: item.outcome.result });
    }
  }
  return lines.map(({ turn, kind, text }) => `${turn} ${kind}: ${text}`);
}

/** The lines of a story, from its events: they include the part of a running turn that is not in the transcript yet. */
export function linesOfStory(story: Story): Line[] {
  const lines: { turn: string; kind: string; text: string }[] = [];
  for (const event of story.events) {
    const { turn_id: turn } = event;
    const before = last(lines);
    if (event.type === 'applied') {
      for (const { id, content } of event.messages)
        lines.push({ turn, kind: `user ${id}`, text: JSON.stringify(content) });
    } else if (event.type === 'chunk') {
      if (before?.kind === 'text' && before.turn === turn) before.text += event.content;
      else lines.push({ turn, kind: 'text', text: event.content });
    } else if (event.type === 'tool_call') {
      lines.push({ turn, kind: `tool ${event.id}`, text: 'null' });
    } else if (event.type === 'tool_result') {
      const call = lines.findLast(({ kind }) => kind === `tool ${event.id}`);
      if (call) call.text = event.output;
    } else if (event.type === 'data') {
      const kind = `data ${event.id}`;
      const before = lines.find((line) => line.turn === turn && line.kind === kind);
      const text = JSON.stringify(event.data);
      if (before) before.text = text;
      else lines.push({ turn, kind, text });
    } else if (endsTurn(event)) {
      lines.push({ turn, kind: 'end', text: event.type === 'error' ? 'failed' : event.type });
    }
  }
  return lines.map(({ turn, kind, text }) => `${turn} ${kind}: ${text}`);
}
