import { useEffect, useRef } from 'react';
import { CloseIcon, PlusIcon } from './icons.tsx';
import { hashOf, type SessionNote } from './sessions.ts';

/** The sessions that this browser knows. */
export function Sidebar({
  notes,
  current,
  isOpen,
  open,
  forget,
  close,
}: {
  notes: readonly SessionNote[];
  current: string;
  isOpen: boolean;
  open: () => void;
  forget: (id: string) => void;
  close: () => void;
}) {
  const closeButton = useRef<HTMLButtonElement>(null);
  // On a narrow screen it lies over everything else, and so has the keyboard.
  useEffect(() => {
    if (!isOpen) return;
    closeButton.current?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      // It would also stop the answer.
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
        <button type="button" className="new-session" onClick={open}>
          <PlusIcon /> New conversation
        </button>
        <ul>
          {notes.map(({ id, title }) => (
            <li key={id} className={id === current ? 'is-current' : ''}>
              <a href={hashOf(id)} aria-current={id === current ? 'page' : undefined} onClick={close}>
                {title || 'Untitled'}
              </a>
              <button
                type="button"
                className="icon-button"
                onClick={() => forget(id)}
                aria-label={`Take “${title || 'Untitled'}” off this list`}
                title="Take off this list"
              >
                <CloseIcon size={14} />
              </button>
            </li>
          ))}
        </ul>
      </nav>
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
