import { useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { PencilIcon, SaveIcon, TrashIcon } from './icons.tsx';
import { NameField } from './name-field.tsx';
import { hashOf } from './sessions.ts';

export interface SessionActions {
  rename(id: string, title: string, name: string): void;
  save(id: string, title: string): void;
  remove(id: string, title: string): void;
}

/** One session in the list, with its actions. */
export function SessionRow({
  id,
  title,
  isCurrent,
  actions,
  leave,
}: {
  id: string;
  /** Empty if it has no name. */
  title: string;
  isCurrent: boolean;
  actions: SessionActions;
  /** Another session was chosen. */
  leave: () => void;
}) {
  const [isRenaming, setRenaming] = useState(false);
  const renameButton = useRef<HTMLButtonElement>(null);
  const shown = title || 'Untitled';
  if (isRenaming) {
    return (
      <li>
        <NameField
          name={title}
          done={(given, byKey) => {
            // Synchronously: the button must exist before it takes the focus.
            flushSync(() => setRenaming(false));
            if (byKey) renameButton.current?.focus();
            if (given && given !== title) actions.rename(id, shown, given);
          }}
        />
      </li>
    );
  }
  return (
    <li className={isCurrent ? 'is-current' : ''}>
      <a href={hashOf(id)} aria-current={isCurrent ? 'page' : undefined} title={shown} onClick={leave}>
        <bdi>{shown}</bdi>
      </a>
      <span className="row-actions">
        <button
          ref={renameButton}
          type="button"
          className="icon-button"
          onClick={() => setRenaming(true)}
          aria-label={`Rename “${shown}”`}
          title="Rename"
        >
          <PencilIcon />
        </button>
        <button
          type="button"
          className="icon-button"
          onClick={() => actions.save(id, shown)}
          aria-label={`Save “${shown}” as a file`}
          title="Save as a file of JSON lines"
        >
          <SaveIcon />
        </button>
        <button
          type="button"
          className="icon-button"
          onClick={() => actions.remove(id, shown)}
          aria-label={`Delete “${shown}”`}
          title="Delete"
        >
          <TrashIcon />
        </button>
      </span>
    </li>
  );
}
