import { type FormEvent, type KeyboardEvent, useId, useState } from 'react';
import { isComposing } from './composing.ts';

/** Another wording of a message, to be asked in a conversation of its own. Enter sends it, Escape leaves it. */
export function MessageEditor({
  content,
  send,
  close,
}: {
  content: string;
  send: (content: string) => void;
  close: () => void;
}) {
  const [edited, setEdited] = useState(content);
  const hint = useId();
  const cannotSend = edited.trim() === '';
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (!cannotSend) send(edited);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isComposing(event.nativeEvent)) return;
    if (event.key === 'Escape') {
      // Escape stops an answer elsewhere.
      event.stopPropagation();
      close();
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  };
  return (
    <form className="message-editor" onSubmit={submit}>
      <textarea
        rows={Math.min(8, edited.split('\n').length + 1)}
        dir="auto"
        aria-label="Another wording of the message"
        aria-describedby={hint}
        value={edited}
        onChange={(event) => setEdited(event.target.value)}
        onKeyDown={onKeyDown}
        // biome-ignore lint/a11y/noAutofocus: the field was asked for
        autoFocus
      />
      <p id={hint}>It is asked in a new conversation. This one stays as it is.</p>
      <button type="submit" className="button" disabled={cannotSend}>
        Ask in a new conversation
      </button>
      <button type="button" className="link" onClick={close}>
        Leave it
      </button>
    </form>
  );
}
