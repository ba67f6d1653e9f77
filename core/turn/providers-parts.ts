import type { EventDraft } from '../events/events.ts';
import { toolResultOf } from '../events/tool-result.ts';
import { fittingLength } from '../json-bytes.ts';
import type { ModelPart, Source } from '../model.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { openRuns } from './open-calls.ts';

/** An address that a browser and a provider still take. A longer one is not sent. */
const MAX_URL = 4096;
/** Of a title and the name of a file, in bytes of JSON. */
const MAX_TITLE_BYTES = 500;
/** Of one model call. A search names ten or so. */
const MAX_SOURCES = 200;
/** In base64 it is 20,000 characters, which fit into a frame with all else, as an event and as an entry of `history`. */
const MAX_FILE_BYTES = 15_000;

type Run = Extract<ModelPart, { type: 'provider_call' | 'provider_result' }>;

/**
 * What one model call gives beside text and calls: tools that its provider runs, sources and files. Sources are held until the
 * call's text is complete, so that they do not divide it. Each is named once.
 */
export class ProvidersParts {
  readonly #turn: Pick<LeasedTurn, 'events'>;
  readonly #idOf: (id: string) => string;
  /** By the provider's id of a call: its id in this turn. */
  readonly #ids = new Map<string, string>();
  readonly #named = new Set<string>();
  #held: EventDraft[] = [];
  #sources: number;

  constructor(turn: Pick<LeasedTurn, 'events'>, idOf: (id: string) => string) {
    this.#turn = turn;
    this.#idOf = idOf;
    this.#sources = turn.events.filter(({ type }) => type === 'source').length;
  }

  /** @returns the event of a tool that the provider runs. None for a result whose call is not known. */
  run(part: Run): EventDraft[] {
    if (part.type === 'provider_call') {
      const id = this.#idOf(part.id);
      this.#ids.set(part.id, id);
      return [{ type: 'tool_call', id, name: part.name, args: part.args, provider_executed: true }];
    }
    // A result can come in a later model call than its call.
    const open = openRuns(this.#turn).map(({ id }) => id);
    const id = this.#ids.get(part.id) ?? open.find((other) => other === part.id);
    if (id === undefined) return [];
    this.#ids.delete(part.id);
    return [toolResultOf({ id, name: part.name, provider_executed: true }, part)];
  }

  addSource(source: Source): void {
    const fields = source.kind === 'url' ? urlSource(source) : documentSource(source);
    if (!fields || this.#named.size >= MAX_SOURCES) return;
    const key = JSON.stringify('url' in fields ? fields.url : fields);
    if (this.#named.has(key)) return;
    this.#named.add(key);
    this.#held.push({ type: 'source', source_id: `source-${++this.#sources}`, ...fields });
  }

  addFile({ mediaType, data }: Extract<ModelPart, { type: 'file' }>): void {
    const bytes = Buffer.byteLength(data, 'base64');
    const media_type = short(mediaType);
    this.#held.push({
      type: 'file',
      media_type,
      bytes,
      ...(bytes > MAX_FILE_BYTES ? { omitted: 'too_large' } : { data }),
    });
  }

  /** What is held, each once. */
  drain(): EventDraft[] {
    return this.#held.splice(0);
  }
}

/** A page that clients can link. Others could be made to run something. */
function urlSource({ url, title }: Extract<Source, { kind: 'url' }>) {
  if (url.length > MAX_URL || !/^https?:\/\//i.test(url)) return undefined;
  return { source_type: 'url' as const, url, ...(title && { title: short(title) }) };
}

const documentSource = ({ mediaType, title, filename }: Extract<Source, { kind: 'document' }>) => ({
  source_type: 'document' as const,
  media_type: short(mediaType),
  title: short(title),
  ...(filename && { filename: short(filename) }),
});

const short = (text: string): string => text.slice(0, fittingLength(text, MAX_TITLE_BYTES));
