import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import {
  type Chat,
  ClosedError,
  ServerReplyError,
  type SessionInfo,
  type SessionPage,
  type Sessions,
} from '../../client/index.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { saveText } from './save-text.ts';
import type { TitleQuestion } from './title-search.ts';

const PAGE = 100;

/** The outcome of the last action on a session. */
export interface Outcome {
  words: string;
  failed: boolean;
}

export interface StoredSessions {
  /** Undefined until the server has answered. */
  sessions: readonly SessionInfo[] | undefined;
  /** The server has older ones. */
  hasMore: boolean;
  showMore(): void;
  /** Where the list is not whole: what a search in the titles of the other ones begins with. */
  older: Pick<TitleQuestion, 'sessions' | 'after'> | undefined;
  outcome: Outcome | undefined;
  forgetOutcome(): void;
  /** Reports only failures. */
  name(id: string, name: string): void;
  rename(id: string, title: string, name: string): void;
  /** Resolves to whether the session was deleted. */
  remove(id: string, title: string): Promise<boolean>;
  /** Removes a deleted session from the list. */
  drop(id: string): void;
  /** Saves the conversation as a file of JSON lines. */
  save(id: string, title: string): void;
}

/**
 * The sessions that the server stores. They are loaded when this session's state shows a change of the list (a
 * connection, a name, a turn), after each action on a session, and when the user returns to the page.
 */
export function useStoredSessions(chat: Chat | undefined): StoredSessions {
  const [list, setList] = useState<SessionPage>();
  const [outcome, setOutcome] = useState<Outcome>();
  const wanted = useRef(PAGE);

  const load = useMemo(
    () =>
      oneAtATime(async () => {
        try {
          if (chat) setList(await listAll(chat.sessions, wanted.current));
        } catch (error) {
          // Another session was opened, whose own connection loads the list.
          if (!(error instanceof ClosedError)) setOutcome(failure('The list could not be loaded.', error));
        }
      }),
    [chat],
  );
  useEffect(() => {
    if (!chat) return;
    let turn: string | undefined;
    let known: string | undefined;
    const follow = () => {
      const { connection, activeTurn, name } = chat.transcript.getSnapshot();
      turn = activeTurn?.turnId ?? turn;
      const now = connection.status === 'online' ? JSON.stringify([name, turn]) : undefined;
      if (now === known) return;
      known = now;
      if (now !== undefined) void load();
    };
    follow();
    return chat.transcript.subscribe(follow);
  }, [chat, load]);
  useEffect(() => {
    const onFocus = () => void load();
    addEventListener('focus', onFocus);
    return () => removeEventListener('focus', onFocus);
  }, [load]);

  const attempt = useCallback(
    async (work: (sessions: Sessions) => Promise<void>, words: { done?: string; failed: string }) => {
      if (!chat) return false;
      setOutcome(undefined);
      try {
        await work(chat.sessions);
        if (words.done !== undefined) setOutcome({ words: words.done, failed: false });
        return true;
      } catch (error) {
        setOutcome(failure(words.failed, error));
        return false;
      } finally {
        // A rejected action also shows that the list is out of date.
        void load();
      }
    },
    [chat, load],
  );
  const drop = useCallback(
    (id: string) =>
      setList(
        (known) =>
          known && { ...known, sessions: known.sessions.filter(({ sessionId }) => sessionId !== id) },
      ),
    [],
  );
  const name = useCallback(
    (id: string, given: string) =>
      void attempt((sessions) => nameForNow(sessions, id, given), {
        failed: `“${given}” could not be given as a name.`,
      }),
    [attempt],
  );
  const older = useMemo(
    () => (chat && list?.next !== undefined ? { sessions: chat.sessions, after: list.next } : undefined),
    [chat, list],
  );
  return {
    sessions: list?.sessions,
    older,
    hasMore: list?.next !== undefined,
    showMore() {
      wanted.current += PAGE;
      void load();
    },
    outcome,
    forgetOutcome: () => setOutcome(undefined),
    name,
    rename: (id, title, given) =>
      void attempt((sessions) => sessions.rename(id, given), {
        done: `Renamed to “${given}”.`,
        failed: `“${title}” could not be renamed.`,
      }),
    async remove(id, title) {
      const removed = await attempt((sessions) => sessions.delete(id), {
        done: `“${title}” was deleted.`,
        failed: `“${title}” could not be deleted.`,
      });
      if (removed) drop(id);
      return removed;
    },
    drop,
    save: (id, title) =>
      void attempt(
        async (sessions) => {
          const pieces: string[] = [];
          for await (const piece of sessions.export(id)) pieces.push(piece);
          saveText(pieces, `${title}.jsonl`);
        },
        { done: `“${title}” was saved as a file.`, failed: `“${title}” could not be saved.` },
      ),
  };
}

/** A title that the server has written stays, and so does a name that another device has given. */
async function nameForNow(sessions: Sessions, id: string, given: string): Promise<void> {
  try {
    await sessions.rename(id, given, { provisional: true });
  } catch (error) {
    if (!(error instanceof ServerReplyError && error.code === 'SESSION_NAMED')) throw error;
  }
}

async function listAll(sessions: Sessions, wanted: number): Promise<SessionPage> {
  const all: SessionInfo[] = [];
  for (let after: string | undefined; ; ) {
    const page = await sessions.list({ limit: PAGE, ...(after !== undefined && { after }) });
    all.push(...page.sessions);
    if (page.next === undefined || all.length >= wanted) return { sessions: all, next: page.next };
    after = page.next;
  }
}

function failure(words: string, error: unknown): Outcome {
  const why =
    error instanceof ClosedError
      ? 'The connection that it went over was closed: open another conversation and try again.'
      : error instanceof Error
        ? error.message
        : String(error);
  return { words: `${words} ${why}`, failed: true };
}
