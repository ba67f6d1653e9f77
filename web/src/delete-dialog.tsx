import { useEffect, useId, useRef } from 'react';

/** Asks before a session is deleted. Escape cancels. */
export function DeleteDialog({ title, answered }: { title: string; answered: (isDelete: boolean) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [titleId, wordsId] = [useId(), useId()];
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      aria-describedby={wordsId}
      onClose={({ currentTarget }) => answered(currentTarget.returnValue === 'delete')}
      // Otherwise Escape would also close the list or stop the answer.
      onKeyDown={(event) => event.stopPropagation()}
    >
      <h2 id={titleId}>Delete “{title}”?</h2>
      <p id={wordsId}>Everything in it goes, on all your devices. An answer that is under way ends.</p>
      <div className="dialog-buttons">
        <button type="button" className="button" onClick={() => dialog.current?.close()}>
          Keep it
        </button>
        <button type="button" className="button danger" onClick={() => dialog.current?.close('delete')}>
          Delete
        </button>
      </div>
    </dialog>
  );
}
