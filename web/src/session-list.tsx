import { useEffect, useId, useState } from 'react';
import { useStore } from '../../client/react/index.ts';
import { byDate, type DatedSessions } from './session-dates.ts';
import { type SessionActions, SessionRow } from './session-row.tsx';
import type { SessionNote } from './sessions.ts';
import { foundSessions, TitleSearch, type TitlesFound } from './title-search.ts';
import type { StoredSessions } from './use-stored-sessions.ts';

/** Fewer are seen at a glance. */
const SEARCHED_FROM = 5;
/** The server takes no longer ones. */
const MAX_SEARCH = 200;

/** The sessions by the date of their last use, and a search in their titles: in the loaded ones at once, in the others by the server. */
export function SessionList({
  notes,
  current,
  actions,
  showMore,
  older,
  leave,
}: {
  notes: readonly SessionNote[];
  current: string;
  actions: SessionActions;
  /** Undefined if all are shown. */
  showMore: (() => void) | undefined;
  older: StoredSessions['older'];
  /** Another session was chosen. */
  leave: () => void;
}) {
  const [search, setSearch] = useState('');
  const isSearchable = notes.length >= SEARCHED_FROM || showMore !== undefined;
  const wanted = isSearchable ? search.trim() : '';
  const [titles] = useState(() => new TitleSearch());
  useEffect(() => {
    titles.ask(older && wanted !== '' ? { ...older, query: wanted } : undefined);
  }, [titles, older, wanted]);
  useEffect(() => () => titles.ask(undefined), [titles]);
  const further = useStore(titles);
  const found = wanted === '' ? notes : foundSessions(notes, further.sessions, wanted);
  return (
    <>
      {isSearchable && (
        <input
          type="search"
          className="session-search"
          aria-label="Search the titles of sessions"
          placeholder="Search titles"
          maxLength={MAX_SEARCH}
          value={search}
          onChange={({ target }) => setSearch(target.value)}
        />
      )}
      <p
        className={wanted === '' || (found.length > 0 && isOver(further)) ? 'unseen' : 'session-none'}
        role="status"
      >
        {wanted !== '' && newsOf(found.length, further)}
      </p>
      <div className="session-list">
        {byDate(found, Date.now()).map((group) => (
          <Group key={group.label} group={group} current={current} actions={actions} leave={leave} />
        ))}
        {showMore && wanted === '' && (
          <button type="button" className="link show-more" onClick={showMore}>
            Show older ones
          </button>
        )}
        {showMore && wanted !== '' && (further.state === 'partly' || further.state === 'late') && (
          // Without an answer, the list itself is loaded further, which every server answers.
          <button
            type="button"
            className="link show-more"
            onClick={further.state === 'late' ? showMore : () => titles.more()}
          >
            Search in older ones
          </button>
        )}
      </div>
    </>
  );
}

const isOver = ({ state, trouble }: TitlesFound) =>
  trouble === undefined && state !== 'looking' && state !== 'late';

/** What a search has come to. */
function newsOf(count: number, { state, trouble }: TitlesFound): string {
  const found = `${count} found`;
  if (trouble !== undefined) return `${found}. Older conversations could not be searched: ${trouble}`;
  if (state === 'looking') return `${found}. Looking in older conversations…`;
  if (state === 'late') return `${found} in the loaded conversations. The server has not answered yet.`;
  if (count > 0) return found;
  return state === 'partly' ? 'No title has these words so far.' : 'No title has these words.';
}

function Group({
  group: { label, notes },
  current,
  actions,
  leave,
}: {
  group: DatedSessions;
  current: string;
  actions: SessionActions;
  leave: () => void;
}) {
  const labelId = useId();
  return (
    <>
      <h2 id={labelId} className="session-date">
        {label}
      </h2>
      <ul aria-labelledby={labelId}>
        {notes.map(({ id, title }) => (
          <SessionRow
            key={id}
            id={id}
            title={title}
            isCurrent={id === current}
            actions={actions}
            leave={leave}
          />
        ))}
      </ul>
    </>
  );
}
