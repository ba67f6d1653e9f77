import { type RefObject, useEffect, useId } from 'react';
import { isComposing } from './composing.ts';
import { CloseIcon } from './icons.tsx';

/** What keys do. Beside them, each button and field is reached by Tab. */
const SHORTCUTS: readonly (readonly [keys: readonly string[], does: string])[] = [
  [['Enter'], 'Send the message'],
  [['Shift', 'Enter'], 'Begin a new line in the message'],
  [['Escape'], 'Close what is in front, or stop the answer'],
  [['?'], 'Show this list, outside of text fields'],
];

/** Opens by `?` where nobody writes. */
export function Shortcuts({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  const titleId = useId();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isComposing(event) || isWritten(event.target)) return;
      // A dialog or the list of sessions is in front.
      if (document.querySelector('dialog[open]') || dialog.current?.closest('[inert]')) return;
      event.preventDefault();
      dialog.current?.showModal();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [dialog]);
  return (
    <dialog
      ref={dialog}
      className="dialog shortcuts"
      aria-labelledby={titleId}
      // Otherwise Escape would also stop the answer.
      onKeyDown={(event) => event.stopPropagation()}
    >
      <header>
        <h2 id={titleId}>Keyboard shortcuts</h2>
        <button
          type="button"
          className="icon-button"
          aria-label="Close the keyboard shortcuts"
          onClick={() => dialog.current?.close()}
        >
          <CloseIcon />
        </button>
      </header>
      <dl>
        {SHORTCUTS.map(([keys, does]) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}

const isWritten = (target: EventTarget | null): boolean =>
  target instanceof HTMLTextAreaElement ||
  target instanceof HTMLInputElement ||
  (target instanceof HTMLElement && target.isContentEditable);
