import { brief } from '../outcome.ts';
import type { Pattern } from './case.ts';

interface Sent {
  name: string;
  order: unknown;
  /** The answer that a repeat gets again. */
  answer: Pattern | undefined;
}

/** Answers that say what became of a message. After any other, the same message can come again as if for the first time. */
const FINAL = new Set(['accepted', 'cancelled']);

/** The messages of the client: which id belongs to which, and what each was answered. */
export class Messages {
  /** The id of each message that came, by its name. */
  readonly ids = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #sent = new Map<string, Sent>();
  #lastOrder = -1;

  announce(name: string, content: string): void {
    this.#names.set(content, name);
  }

  /** @returns what is wrong with it, and the answer if it was answered before */
  received(frame: Pattern): { wrong: string[]; again?: Pattern } {
    const { id, content, order } = frame;
    const name = this.#names.get(String(content));
    if (name === undefined) return { wrong: [`a message was sent that nobody wrote: ${brief(content)}`] };
    if (typeof id !== 'string') return { wrong: ['a message has no `id`: it cannot be repeated (6.7.4)'] };
    const known = this.#sent.get(id);
    if (known && known.name !== name) return { wrong: [`two messages have the id ${id} (6.7.1)`] };
    const other = this.ids.get(name);
    if (other !== undefined && other !== id)
      return { wrong: [`a message was sent again under another id: ${other}, then ${id} (6.7.4)`] };
    if (known) return this.#repeated(known, frame);
    this.ids.set(name, id);
    this.#sent.set(id, { name, order, answer: undefined });
    const wrong: string[] = [];
    if (typeof order === 'number' && order <= this.#lastOrder)
      wrong.push(`\`order\` does not rise: ${this.#lastOrder}, then ${order} (6.6.2)`);
    if (typeof order === 'number') this.#lastOrder = order;
    return { wrong };
  }

  #repeated(known: Sent, { order }: Pattern): { wrong: string[]; again?: Pattern } {
    const wrong =
      order === known.order ? [] : [`a repeat has another \`order\`: ${known.order}, then ${order} (6.6.1)`];
    const { answer } = known;
    if (!answer) return { wrong };
    return { wrong, again: answer.type === 'accepted' ? { ...answer, duplicate: true } : answer };
  }

  /** A reply that was sent. */
  answered(reply: Pattern): void {
    const ids = Array.isArray(reply.ids) ? reply.ids : [reply.id];
    if (!FINAL.has(String(reply.type))) return;
    for (const id of ids) {
      const sent = this.#sent.get(String(id));
      if (sent) sent.answer = reply;
    }
  }
}
