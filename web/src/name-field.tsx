import { useEffect, useRef } from 'react';

/** What the protocol lets a name have. */
const MAX_NAME = 200;

/** Enter, or leaving the field, takes the name that stands there; Escape gives `done` none. */
export function NameField({
  name,
  done,
}: {
  name: string;
  /** `byKey`: the keyboard has nowhere to be. */
  done: (given: string | undefined, byKey: boolean) => void;
}) {
  const field = useRef<HTMLInputElement>(null);
  // A field that goes away may be left as well.
  const isOver = useRef(false);
  const finish = (given: string | undefined, byKey: boolean) => {
    if (isOver.current) return;
    isOver.current = true;
    done(given, byKey);
  };
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <input
      ref={field}
      className="name-field"
      aria-label="Name of the conversation"
      defaultValue={name}
      maxLength={MAX_NAME}
      onBlur={({ currentTarget }) => finish(currentTarget.value.trim(), false)}
      onKeyDown={(event) => {
        // While an input method composes, both keys are its own.
        if (event.nativeEvent.isComposing) return;
        if (event.key === 'Enter') finish(event.currentTarget.value.trim(), true);
        if (event.key !== 'Escape') return;
        // It would also close the list, or stop the answer.
        event.stopPropagation();
        finish(undefined, true);
      }}
    />
  );
}
