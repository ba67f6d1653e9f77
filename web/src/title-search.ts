import { ClosedError, type SessionInfo, type Sessions } from '../../client/index.ts';
import { withTitle } from './session-dates.ts';
import { noteOf, type SessionNote } from './sessions.ts';

/** What a search of the server's titles has come to. */
export interface TitlesFound {
  /** In the order of the server, newest first. */
  sessions: readonly SessionInfo[];
  /**
   * - `none`: nothing is searched.
   * - `looking`: the server is asked.
   * - `late`: it has not answered for a while, and is waited for. A server of an earlier version never answers.
   * - `partly`: there are older sessions, which `more` searches.
   * - `whole`: all sessions were searched.
   */
  state: 'none' | 'looking' | 'late' | 'partly' | 'whole';
  /** Why the server could not be asked. */
  trouble?: string;
}

/** What is searched: sessions of the server's list, from a position of it on. */
export interface TitleQuestion {
  sessions: Pick<Sessions, 'list'>;
  query: string;
  after: string;
}

/** Words come letter by letter. */
const PAUSE_MS = 300;
const LATE_MS = 5000;
/** As many as a look at the list shows. */
const ENOUGH = 20;
/** Read for one search. Each is of a hundred sessions, and counts for ten frames of the sender's limit. */
const MAX_PAGES = 5;

const NOTHING: TitlesFound = { sessions: [], state: 'none' };

/** A search in the titles of sessions that are not loaded. The last question counts. */
export class TitleSearch {
  #found = NOTHING;
  #question: TitleQuestion | undefined;
  #next: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Of chats whose server has not answered: a request more would wait beside the one that does. */
  readonly #silent = new WeakSet<object>();
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): TitlesFound => this.#found;

  /** Asks in place of the last question. Undefined: nothing is asked. */
  ask(question: TitleQuestion | undefined): void {
    const last = this.#question;
    this.#question = question;
    clearTimeout(this.#timer);
    if (!question) {
      this.#show(NOTHING);
      return;
    }
    // The list was loaded again: what was found is shown until it is found again.
    const isSame = last?.query === question.query;
    this.#show({ sessions: isSame ? this.#found.sessions : [], state: 'looking' });
    this.#timer = setTimeout(() => void this.#look(question, question.after, []), PAUSE_MS);
  }

  /** Goes on in older sessions, or asks again. */
  more(): void {
    if (!this.#question || this.#next === undefined) return;
    this.#show({ sessions: this.#found.sessions, state: 'looking' });
    void this.#look(this.#question, this.#next, this.#found.sessions);
  }

  async #look(question: TitleQuestion, from: string, known: readonly SessionInfo[]): Promise<void> {
    const { sessions, query } = question;
    const isAsked = () => this.#question === question;
    const shown = [...known];
    let after = from;
    try {
      for (let pages = 1; ; pages++) {
        this.#next = after;
        if (this.#silent.has(sessions)) return this.#show({ ...this.#found, state: 'late' });
        this.#lateIn(LATE_MS, sessions);
        const { sessions: found, next } = await sessions.list({ query, after, limit: 100 });
        const wasSilent = this.#silent.delete(sessions);
        if (!isAsked()) {
          if (wasSilent && this.#question?.sessions === sessions) this.ask(this.#question);
          return;
        }
        clearTimeout(this.#timer);
        shown.push(...found);
        this.#next = next;
        if (next === undefined) return this.#show({ sessions: shown, state: 'whole' });
        after = next;
        if (shown.length >= known.length + ENOUGH || pages === MAX_PAGES)
          return this.#show({ sessions: shown, state: 'partly' });
        this.#show({ sessions: [...shown], state: 'looking' });
      }
    } catch (error) {
      if (!isAsked()) return;
      clearTimeout(this.#timer);
      // Another session was opened, whose own connection asks again.
      const trouble =
        error instanceof ClosedError ? undefined : error instanceof Error ? error.message : String(error);
      this.#show({ sessions: shown, state: 'partly', ...(trouble !== undefined && { trouble }) });
    }
  }

  #lateIn(ms: number, sessions: object): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#silent.add(sessions);
      this.#show({ ...this.#found, state: 'late' });
    }, ms);
  }

  #show(found: TitlesFound): void {
    this.#found = found;
    for (const listener of this.#listeners) listener();
  }
}

/** The sessions that a search finds, last used first: the loaded ones, and what the server has found among the others. */
export function foundSessions(
  loaded: readonly SessionNote[],
  older: readonly SessionInfo[],
  search: string,
): SessionNote[] {
  const found = withTitle(loaded, search);
  const known = new Set(found.map(({ id }) => id));
  return [...found, ...older.map(noteOf).filter(({ id }) => !known.has(id))].sort(
    (a, b) => b.usedAt - a.usedAt,
  );
}
