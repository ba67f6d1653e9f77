import { useEffect, useId, useRef } from 'react';

/** A session that the user was asked about. Each request is an object of its own. */
export interface SessionToDelete {
  readonly id: string;
  readonly title: string;
}

/** Asks before a session is deleted. Escape cancels. */
export function DeleteDialog({
  session,
  answered,
}: {
  session: SessionToDelete;
  answered: (isDelete: boolean) => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [titleId, wordsId] = [useId(), useId()];
  useEffect(() => {
    const element = dialog.current;
    if (session && element && !element.open) element.showModal();
  }, [session]);
  const answer = (isDelete: boolean) => {
    // Closed first: that gives the focus back to the button that asked.
    dialog.current?.close();
    answered(isDelete);
  };
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      aria-describedby={wordsId}
      onClose={({ currentTarget }) => {
        // The browser gives the focus back when it closes the dialog for Escape, and sends this event in a later task. A press
        // in between has opened the dialog again.
        if (!currentTarget.open) answered(false);
      }}
      // Otherwise Escape would also close the list or stop the answer.
      onKeyDown={(event) => event.stopPropagation()}
    >
      <h2 id={titleId}>
        Delete “<bdi>{session.title}</bdi>”?
      </h2>
      <p id={wordsId}>Everything in it goes, on all your devices. An answer that is under way ends.</p>
      <div className="dialog-buttons">
        <button type="button" className="button" onClick={() => answer(false)}>
          Keep it
        </button>
        <button type="button" className="button danger" onClick={() => answer(true)}>
          Delete
        </button>
      </div>
    </dialog>
  );
}
