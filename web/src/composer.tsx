import { type FormEvent, type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from 'react';
import { ContentError, type SendOptions } from '../../client/index.ts';
import { SendIcon, StopIcon } from './icons.tsx';

/** Where the skip link leads. */
export const COMPOSER_ID = 'message';

type Delivery = NonNullable<SendOptions['delivery']>;

const DELIVERIES: { value: Delivery; label: string; hint: string }[] = [
  { value: 'steer', label: 'Steer', hint: 'Taken in at the next step of this answer' },
  { value: 'queue', label: 'Queue', hint: 'A turn of its own, after this one' },
  { value: 'now', label: 'Now', hint: 'Cuts in at once; what was said is kept' },
];

/** Where one writes, also while the answer streams. `send` may throw `ContentError`: the text then stays. */
export function Composer({
  isAnswering,
  isStopping,
  isClosed,
  trouble,
  send,
  stop,
}: {
  isAnswering: boolean;
  isStopping: boolean;
  isClosed: boolean;
  /** Said here for want of a better place, until something is sent. */
  trouble: string | undefined;
  send: (content: string, delivery: Delivery) => void;
  stop: () => void;
}) {
  const [content, setContent] = useState('');
  const [delivery, setDelivery] = useState<Delivery>('steer');
  const [problem, setProblem] = useState<string>();
  const field = useRef<HTMLTextAreaElement>(null);
  const hintId = useId();
  useGrowing(field, content);

  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (content.trim() === '' || isClosed) return;
    try {
      send(content, isAnswering ? delivery : 'steer');
      setContent('');
      setProblem(undefined);
      setDelivery('steer');
    } catch (error) {
      if (!(error instanceof ContentError)) throw error;
      setProblem(error.message);
    }
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };

  return (
    <form className="composer" onSubmit={submit}>
      {(problem ?? trouble) && (
        <p className="composer-problem" role="alert">
          {problem ?? trouble}
        </p>
      )}
      <div className="composer-card">
        <textarea
          ref={field}
          id={COMPOSER_ID}
          enterKeyHint="send"
          rows={1}
          value={content}
          placeholder={isAnswering ? 'Steer the answer…' : 'Write a message…'}
          aria-label={isAnswering ? 'Message, taken in while it answers' : 'Message'}
          aria-describedby={hintId}
          onChange={(event) => setContent(event.target.value)}
          onKeyDown={onKeyDown}
          // biome-ignore lint/a11y/noAutofocus: the page is for writing in it, and has nothing before it
          autoFocus
        />
        <div className="composer-bar">
          {isAnswering ? (
            <fieldset className="delivery">
              <legend className="unseen">How the message gets in</legend>
              {DELIVERIES.map(({ value, label, hint }) => (
                <label key={value} title={hint}>
                  <input
                    type="radio"
                    name="delivery"
                    value={value}
                    checked={delivery === value}
                    onChange={() => setDelivery(value)}
                  />
                  <span>{label}</span>
                </label>
              ))}
            </fieldset>
          ) : (
            <span />
          )}
          <p className="hint" id={hintId}>
            {isAnswering ? (
              <>
                <kbd>Enter</kbd> sends · <kbd>Esc</kbd> stops
              </>
            ) : (
              <>
                <kbd>Enter</kbd> sends · <kbd>Shift</kbd>+<kbd>Enter</kbd> new line
              </>
            )}
          </p>
          {isAnswering && (
            <button
              type="button"
              className="round stop"
              onClick={stop}
              disabled={isStopping}
              aria-label="Stop the answer"
            >
              <StopIcon />
            </button>
          )}
          <button
            type="submit"
            className="round send"
            disabled={content.trim() === '' || isClosed}
            aria-label="Send"
          >
            <SendIcon />
          </button>
        </div>
      </div>
    </form>
  );
}

/** Browsers that know it let the style sheet do it, without a layout for every letter. */
const GROWS_BY_ITSELF = CSS.supports('field-sizing', 'content');

/** As high as its text, up to what the style sheet allows. */
function useGrowing(field: React.RefObject<HTMLTextAreaElement | null>, content: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is what changes the height
  useLayoutEffect(() => {
    const element = field.current;
    if (!element || GROWS_BY_ITSELF) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [content]);
}
