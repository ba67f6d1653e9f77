import { useEffect, useRef, useState } from 'react';
import { isComposing } from './composing.ts';
import { DeleteDialog, type SessionToDelete } from './delete-dialog.tsx';
import { CloseIcon, PlusIcon } from './icons.tsx';
import { SessionList } from './session-list.tsx';
import type { SessionActions } from './session-row.tsx';
import type { SessionNote } from './sessions.ts';
import type { Outcome, StoredSessions } from './use-stored-sessions.ts';

/** The user's sessions. */
export function Sidebar({
  notes,
  current,
  isOpen,
  open,
  actions,
  outcome,
  forgetOutcome,
  showMore,
  older,
  close,
}: {
  notes: readonly SessionNote[];
  current: string;
  isOpen: boolean;
  open: () => void;
  actions: SessionActions;
  outcome: Outcome | undefined;
  forgetOutcome: () => void;
  /** Undefined if all are shown. */
  showMore: (() => void) | undefined;
  older: StoredSessions['older'];
  close: () => void;
}) {
  const closeButton = useRef<HTMLButtonElement>(null);
  const newButton = useRef<HTMLButtonElement>(null);
  const [toDelete, setToDelete] = useState<SessionToDelete>();
  // On a narrow screen the list covers the page, so it keeps the focus.
  useEffect(() => {
    if (!isOpen) return;
    closeButton.current?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || isComposing(event)) return;
      // Otherwise Escape would also stop the answer.
      event.stopPropagation();
      close();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [isOpen, close]);
  return (
    <>
      {isOpen && <button type="button" className="veil" tabIndex={-1} aria-hidden="true" onClick={close} />}
      <nav className={`sidebar ${isOpen ? 'is-open' : ''}`} aria-label="Sessions">
        <header>
          <Mark />
          <button
            ref={closeButton}
            type="button"
            className="icon-button only-narrow"
            onClick={close}
            aria-label="Close the list of sessions"
          >
            <CloseIcon />
          </button>
        </header>
        <button ref={newButton} type="button" className="new-session" onClick={open}>
          <PlusIcon /> New conversation
        </button>
        {outcome?.failed && (
          <div className="sidebar-trouble" role="alert">
            <p>{outcome.words}</p>
            <button type="button" className="link" onClick={forgetOutcome}>
              Dismiss
            </button>
          </div>
        )}
        <p className="unseen" role="status">
          {outcome && !outcome.failed && outcome.words}
        </p>
        <SessionList
          notes={notes}
          current={current}
          actions={{ ...actions, remove: (id, title) => setToDelete({ id, title }) }}
          showMore={showMore}
          older={older}
          leave={close}
        />
      </nav>
      {toDelete && (
        <DeleteDialog
          session={toDelete}
          answered={(isDelete) => {
            setToDelete(undefined);
            if (!isDelete) return;
            // The row disappears with the button that had the focus.
            newButton.current?.focus();
            actions.remove(toDelete.id, toDelete.title);
          }}
        />
      )}
    </>
  );
}

function Mark() {
  return (
    <p className="mark">
      <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
        <path
          d="M9 4v13a7 7 0 0 0 7 7h7"
          fill="none"
          stroke="currentColor"
          strokeWidth="3.4"
          strokeLinecap="round"
        />
        <circle cx="9" cy="5" r="3.6" fill="currentColor" />
        <path
          d="m20 18 6 6-6 6"
          fill="none"
          stroke="currentColor"
          strokeWidth="3.4"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      Midturn
    </p>
  );
}
