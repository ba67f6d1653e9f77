import {
  type ClipboardEvent,
  type DragEvent,
  type FormEvent,
  type KeyboardEvent,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { type Chat, type Content, ContentError, type SendOptions } from '../../client/index.ts';
import { useUploads } from '../../client/react/index.ts';
import { isComposing } from './composing.ts';
import { CloseIcon, ImageIcon, SendIcon, StopIcon } from './icons.tsx';
import { isUploaded } from './uploaded.ts';
import { contentOf, useImages } from './use-images.ts';

/** The target of the skip link. */
export const COMPOSER_ID = 'message';

type Delivery = NonNullable<SendOptions['delivery']>;

const DELIVERIES: { value: Delivery; label: string; hint: string }[] = [
  { value: 'steer', label: 'Steer', hint: 'Taken in at the next step of this answer' },
  { value: 'queue', label: 'Queue', hint: 'A turn of its own, after this one' },
  { value: 'now', label: 'Now', hint: 'Cuts in at once; what was said is kept' },
];

/** The input for messages, usable while an answer streams. If `send` throws `ContentError`, the text stays. */
export function Composer({
  isAnswering,
  isStopping,
  isClosed,
  contentBytes,
  chat,
  fileBytes,
  trouble,
  send,
  stop,
}: {
  isAnswering: boolean;
  isStopping: boolean;
  isClosed: boolean;
  /** Limits of a message's size. */
  contentBytes: number;
  /** Takes the files of a message. */
  chat: Pick<Chat, 'request'>;
  /** Bytes of the largest file. Undefined: the server takes images that fit into a message, and no files. */
  fileBytes: number | undefined;
  /** An error that is shown here until the next message is sent. */
  trouble: string | undefined;
  send: (content: Content, delivery: Delivery) => void;
  stop: () => void;
}) {
  const [content, setContent] = useState('');
  const [delivery, setDelivery] = useState<Delivery>('steer');
  const [problem, setProblem] = useState<string>();
  const field = useRef<HTMLTextAreaElement>(null);
  const hintId = useId();
  const picker = useRef<HTMLInputElement>(null);
  const {
    images,
    isBusy,
    attach: attachImages,
    remove,
    clear,
  } = useImages(contentBytes, content, setProblem);
  const uploading = useUploads(chat, {
    limit: fileBytes,
    onError: ({ message }, { name }) => setProblem(`${name}: ${message}`),
  });
  const takesFiles = fileBytes !== undefined;
  const { uploads } = uploading;
  const hasParts = images.length + uploads.length > 0;
  useGrowing(field, content);
  const cannotSend = isClosed || isBusy || uploading.isBusy || (content.trim() === '' && !hasParts);

  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (cannotSend) return;
    try {
      const parts = [...images, ...uploads].flatMap(({ part }) => part ?? []);
      send(contentOf(content, parts), isAnswering ? delivery : 'steer');
      setContent('');
      clear();
      uploading.clear();
      setProblem(undefined);
      setDelivery('steer');
    } catch (error) {
      if (!(error instanceof ContentError)) throw error;
      setProblem(error.message);
    }
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || isComposing(event.nativeEvent)) return;
    event.preventDefault();
    submit();
  };

  const attach = (chosen: Iterable<File>) => {
    for (const file of chosen) {
      if (takesFiles && isUploaded(file)) void uploading.attach(file);
      else if (takesFiles && !file.type.startsWith('image/'))
        setProblem(`${file.name}: only images, PDFs and audio can be attached.`);
      else attachImages([file]);
    }
  };
  const take = (event: ClipboardEvent | DragEvent, { files: given }: DataTransfer) => {
    if (given.length === 0) return;
    event.preventDefault();
    setProblem(undefined);
    attach(given);
  };

  return (
    <form
      className="composer"
      onSubmit={submit}
      onPaste={(event) => take(event, event.clipboardData)}
      onDrop={(event) => take(event, event.dataTransfer)}
      // Without it, the browser would open a dropped file.
      onDragOver={(event) => event.preventDefault()}
    >
      {(problem ?? trouble) && (
        <p className="composer-problem" role="alert">
          {problem ?? trouble}
        </p>
      )}
      <div className="composer-card">
        {images.length > 0 && (
          <ul className="attachments" aria-label="Attached images">
            {images.map((image, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same image may be there twice
              <li key={index}>
                <img
                  src={`data:${image.part.media_type};base64,${image.part.data}`}
                  alt={`Attached, number ${index + 1}`}
                />
                <button type="button" onClick={() => remove(image)} aria-label={`Remove image ${index + 1}`}>
                  <CloseIcon size={12} />
                </button>
              </li>
            ))}
          </ul>
        )}
        {uploads.length > 0 && (
          <ul className="uploads" aria-label="Attached files">
            {uploads.map(({ key, name, sent, part }) => (
              <li key={key}>
                <span className="upload-name">{name}</span>
                {!part && <progress value={sent} aria-label={`Uploading ${name}`} />}
                <button
                  type="button"
                  onClick={() => uploading.remove(key)}
                  aria-label={part ? `Remove ${name}` : `Cancel the upload of ${name}`}
                >
                  <CloseIcon size={12} />
                </button>
              </li>
            ))}
          </ul>
        )}
        <textarea
          ref={field}
          id={COMPOSER_ID}
          enterKeyHint="send"
          rows={1}
          dir="auto"
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
          <button
            type="button"
            className="attach"
            onClick={() => picker.current?.click()}
            aria-label={takesFiles ? 'Attach a file' : 'Attach an image'}
            title={
              takesFiles
                ? 'Attach images, PDFs or audio'
                : 'Attach an image. It is made small enough to travel in the message.'
            }
          >
            <ImageIcon />
          </button>
          <input
            ref={picker}
            type="file"
            accept={takesFiles ? 'image/*,application/pdf,audio/*' : 'image/*'}
            multiple
            hidden
            onChange={({ target }) => {
              attach(target.files ?? []);
              // Allows choosing the same file again.
              target.value = '';
            }}
          />
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
          <button type="submit" className="round send" disabled={cannotSend} aria-label="Send">
            <SendIcon />
          </button>
        </div>
      </div>
    </form>
  );
}

/** Supporting browsers resize the field by CSS, without a layout per key. */
const GROWS_BY_ITSELF = CSS.supports('field-sizing', 'content');

/** Fits the field's height to its text, up to the style sheet's limit. */
function useGrowing(field: React.RefObject<HTMLTextAreaElement | null>, content: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is what changes the height
  useLayoutEffect(() => {
    const element = field.current;
    if (!element || GROWS_BY_ITSELF) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [content]);
}
