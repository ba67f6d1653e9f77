import { useId, useState } from 'react';
import { byDate, type DatedSessions, withTitle } from './session-dates.ts';
import { type SessionActions, SessionRow } from './session-row.tsx';
import type { SessionNote } from './sessions.ts';

/** Fewer are seen at a glance. */
const SEARCHED_FROM = 5;

/** The sessions by the date of their last use, and a search in their titles. */
export function SessionList({
  notes,
  current,
  actions,
  showMore,
  leave,
}: {
  notes: readonly SessionNote[];
  current: string;
  actions: SessionActions;
  /** Undefined if all are shown. */
  showMore: (() => void) | undefined;
  /** Another session was chosen. */
  leave: () => void;
}) {
  const [search, setSearch] = useState('');
  const isSearchable = notes.length >= SEARCHED_FROM || showMore !== undefined;
  const wanted = isSearchable ? search.trim() : '';
  const found = wanted === '' ? notes : withTitle(notes, wanted);
  return (
    <>
      {isSearchable && (
        <input
          type="search"
          className="session-search"
          aria-label="Search the titles of sessions"
          placeholder="Search titles"
          value={search}
          onChange={({ target }) => setSearch(target.value)}
        />
      )}
      <p className={found.length > 0 || wanted === '' ? 'unseen' : 'session-none'} role="status">
        {wanted !== '' && (found.length > 0 ? `${found.length} found` : 'No title has these words.')}
      </p>
      <div className="session-list">
        {byDate(found, Date.now()).map((group) => (
          <Group key={group.label} group={group} current={current} actions={actions} leave={leave} />
        ))}
        {showMore && (
          <button type="button" className="link show-more" onClick={showMore}>
            {wanted === '' ? 'Show older ones' : 'Search in older ones'}
          </button>
        )}
      </div>
    </>
  );
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
