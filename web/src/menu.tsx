import { type ReactNode, useCallback, useEffect, useId, useRef, useState } from 'react';
import { isComposing } from './composing.ts';
import { MoreIcon } from './icons.tsx';

/**
 * A button that shows further buttons below it (the disclosure pattern of the ARIA practices).
 *
 * @param children is handed a wrapper for actions: it closes the menu first and gives the focus back to its button
 */
export function Menu({
  label,
  children,
}: {
  label: string;
  children: (choosing: (act: () => void) => () => void) => ReactNode;
}) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const itemsId = useId();
  const close = useCallback(() => {
    button.current?.focus();
    setOpen(false);
  }, []);
  useEffect(() => {
    if (!isOpen) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || isComposing(event)) return;
      // Otherwise Escape would also stop the answer.
      event.stopPropagation();
      close();
    };
    const onPointer = ({ target }: PointerEvent) => {
      if (!(target instanceof Node && root.current?.contains(target))) setOpen(false);
    };
    document.addEventListener('keydown', onKey);
    document.addEventListener('pointerdown', onPointer);
    return () => {
      document.removeEventListener('keydown', onKey);
      document.removeEventListener('pointerdown', onPointer);
    };
  }, [isOpen, close]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it sees the focus leave, and is not used itself
    <div
      ref={root}
      className="menu"
      onBlur={({ relatedTarget }) => {
        if (relatedTarget && !root.current?.contains(relatedTarget)) setOpen(false);
      }}
    >
      <button
        ref={button}
        type="button"
        className="icon-button"
        aria-expanded={isOpen}
        aria-controls={isOpen ? itemsId : undefined}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!isOpen)}
      >
        <MoreIcon />
      </button>
      {isOpen && (
        <div id={itemsId} className="menu-items">
          {children((act) => () => {
            close();
            act();
          })}
        </div>
      )}
    </div>
  );
}
