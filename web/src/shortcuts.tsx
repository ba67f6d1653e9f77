import { type RefObject, useEffect, useId, useState } from 'react';
import { isComposing } from './composing.ts';
import { CloseIcon } from './icons.tsx';
import { keptHere } from './kept.ts';

/** What keys do. Beside them, each button and field is reached by Tab. */
const SHORTCUTS: readonly (readonly [keys: readonly string[], does: string])[] = [
  [['Enter'], 'Send the message'],
  [['Shift', 'Enter'], 'Begin a new line in the message'],
  [['Escape'], 'Close what is in front, or stop the answer'],
];

const KEY = 'midturn:question-mark';

/**
 * Whether `?` opens the list. Stored in this browser. Speech input types characters that nobody meant as a key:
 * https://www.w3.org/WAI/WCAG22/Understanding/character-key-shortcuts.html
 */
function useQuestionMark() {
  const [opensList, setOpensList] = useState(() => keptHere.getItem(KEY) !== 'off');
  useEffect(() => {
    if (opensList) keptHere.removeItem(KEY);
    else keptHere.setItem(KEY, 'off');
  }, [opensList]);
  return { opensList, setOpensList };
}

/** Opens from the menu, and by `?` where nobody writes, unless the reader has turned that off. */
export function Shortcuts({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  const titleId = useId();
  const { opensList, setOpensList } = useQuestionMark();
  useEffect(() => {
    if (!opensList) return;
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
  }, [dialog, opensList]);
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
      <label>
        <input type="checkbox" checked={opensList} onChange={(event) => setOpensList(event.target.checked)} />
        <span>
          <kbd>?</kbd> opens this list, outside of text fields
        </span>
      </label>
    </dialog>
  );
}

const isWritten = (target: EventTarget | null): boolean =>
  target instanceof HTMLTextAreaElement ||
  target instanceof HTMLInputElement ||
  (target instanceof HTMLElement && target.isContentEditable);
