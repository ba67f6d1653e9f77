const FIRST_TIME = Date.UTC(2026, 0, 1, 12);
const TIME_STEP_MS = 1000;
const TIMES = new Set(['at', 'started_at', 'created_at', 'active_at']);

/** Replaces ids and times, which differ from run to run, by stable ones: the n-th turn is `turn-n` in every run. */
export class StableNames {
  readonly #names = new Map<unknown, unknown>();
  readonly #counts = new Map<string, number>();
  readonly #session: string;
  /** Of sessions that are not the one of the examples. */
  readonly #kept: ReadonlySet<unknown>;

  constructor(session: string, kept: readonly string[] = []) {
    this.#session = session;
    this.#kept = new Set(kept);
  }

  apply<T>(value: T): T {
    return this.#walk(value, '') as T;
  }

  #walk(value: unknown, field: string): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#walk(item, field));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#walk(item, key)]));
    }
    if (field === 'turn_id') return this.#name(value, (n) => `turn-${n}`, 'turn');
    if (field === 'lane') return this.#name(value, (n) => `lane-${n}`, 'lane');
    if (TIMES.has(field)) {
      return this.#name(value, (n) => FIRST_TIME + n * TIME_STEP_MS, 'time');
    }
    if (field === 'file') return this.#name(value, (n) => `file-${n}`, 'file');
    if (field === 'url' && String(value).includes('X-Amz-Signature=')) return 'https://bucket.example.com/…';
    if (field === 'session_id') return this.#kept.has(value) ? value : this.#session;
    if (field === 'data' && typeof value === 'string' && value.startsWith('{')) return this.#inLines(value);
    if (field === 'message' && typeof value === 'string') return this.#inText(value);
    return value;
  }

  #name(value: unknown, make: (n: number) => unknown, kind: string): unknown {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const n = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, n);
    const name = make(n);
    this.#names.set(value, name);
    return name;
  }

  /** JSON lines, as an export gives them. */
  #inLines(text: string): string {
    return text.replace(/^.+$/gm, (line) => JSON.stringify(this.apply(JSON.parse(line))));
  }

  /** Texts for people quote ids. */
  #inText(text: string): string {
    let named = text;
    for (const [value, name] of this.#names) {
      if (typeof value === 'string') named = named.replaceAll(value, String(name));
    }
    return named;
  }
}
