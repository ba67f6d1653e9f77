import { useEffect, useRef } from 'react';
import { isComposing } from './composing.ts';

/** The protocol's limit of a name. */
const MAX_NAME = 200;

/**
 * Enter or leaving the field accepts the name. Escape, or a field in which nothing was written, calls `done` without one:
 * the name may have changed elsewhere meanwhile.
 */
export function NameField({
  name,
  done,
}: {
  name: string;
  /** `byKey`: the focus was in the field and has to be moved. */
  done: (given: string | undefined, byKey: boolean) => void;
}) {
  const field = useRef<HTMLInputElement>(null);
  // Removing the field also fires its blur event.
  const isOver = useRef(false);
  const isWritten = useRef(false);
  const finish = (given: string | undefined, byKey: boolean) => {
    if (isOver.current) return;
    isOver.current = true;
    done(isWritten.current ? given : undefined, byKey);
  };
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <input
      ref={field}
      className="name-field"
      dir="auto"
      aria-label="Name of the conversation"
      defaultValue={name}
      maxLength={MAX_NAME}
      onChange={() => {
        isWritten.current = true;
      }}
      onBlur={({ currentTarget }) => finish(currentTarget.value.trim(), false)}
      onKeyDown={(event) => {
        if (isComposing(event.nativeEvent)) return;
        if (event.key === 'Enter') {
          // Otherwise the same press would activate the button that gets the focus.
          event.preventDefault();
          finish(event.currentTarget.value.trim(), true);
        }
        if (event.key !== 'Escape') return;
        // Otherwise Escape would also close the list or stop the answer.
        event.stopPropagation();
        finish(undefined, true);
      }}
    />
  );
}
