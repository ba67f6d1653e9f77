import { memo, useRef, useState } from 'react';
import { shortened } from '../../client/display.ts';
import { type Content, type ContentPart, textOf, type UserItem } from '../../client/index.ts';
import { AttachedFile } from './attached-file.tsx';
import { CopyButton } from './copy-button.tsx';
import { PencilIcon, SteerIcon } from './icons.tsx';
import { MessageEditor } from './message-editor.tsx';
import { messageNote } from './message-note.ts';

export interface MessageActions {
  withdraw(id: string): void;
  dismiss(id: string): void;
  resend(item: UserItem): void;
  /** Asks this in place of the message, in a conversation of its own. */
  branch(id: string, content: Content): void;
}

/** A message of the user, or of the application. `steering`: it is shown inside the answer, where it was applied. */
export const Message = memo(function Message({
  item,
  steering,
  actions,
}: {
  item: UserItem;
  steering: boolean;
  actions: MessageActions;
}) {
  const [isEdited, setIsEdited] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);
  const { status } = item.state;
  const isPending = status === 'sending' || status === 'accepted' || status === 'queued';
  const isRefused = status === 'cancelled' || status === 'rejected';
  const note = item.withdrawing ? 'Withdrawing…' : messageNote(item.state);
  const sender = item.from === 'system' ? 'The application' : 'You';
  return (
    <article
      className={`message ${steering ? 'message-steering' : ''} ${item.from ? `from-${item.from}` : ''} is-${status}`}
      aria-label={steering ? `${sender}, while it answered` : sender}
    >
      <div className="bubble" dir="auto">
        <Said content={item.content} />
      </div>
      <p className="note">
        {steering && <SteerIcon />}
        {item.from === 'system' && <span>Sent by the application</span>}
        {note && <span>{note}</span>}
        {!isPending && typeof item.content === 'string' && (
          <CopyButton label="Copy the message" text={() => textOf(item.content)} />
        )}
        {status === 'applied' && item.from === undefined && typeof item.content === 'string' && (
          <button
            ref={editButton}
            type="button"
            className="icon-button copy"
            aria-expanded={isEdited}
            aria-label={`Edit and ask in a new conversation: “${shortened(item.content, 40)}”`}
            title="Edit and ask in a new conversation"
            onClick={() => setIsEdited(!isEdited)}
          >
            <PencilIcon />
          </button>
        )}
        {isPending && !item.withdrawing && (
          <button type="button" className="link" onClick={() => actions.withdraw(item.id)}>
            Withdraw
            <Quoted content={item.content} />
          </button>
        )}
        {isRefused && (
          <>
            <button type="button" className="link" onClick={() => actions.resend(item)}>
              Send again
              <Quoted content={item.content} />
            </button>
            <button type="button" className="link" onClick={() => actions.dismiss(item.id)}>
              Dismiss
              <Quoted content={item.content} />
            </button>
          </>
        )}
      </p>
      {isEdited && typeof item.content === 'string' && (
        <MessageEditor
          content={item.content}
          close={() => {
            setIsEdited(false);
            editButton.current?.focus();
          }}
          send={(content) => {
            setIsEdited(false);
            actions.branch(item.id, content);
          }}
        />
      )}
    </article>
  );
});

function Said({ content }: { content: Content }) {
  if (typeof content === 'string') return content;
  // Parts have no ids, and their order never changes.
  // biome-ignore lint/suspicious/noArrayIndexKey: the order never changes
  return content.map((part, index) => <Part key={index} part={part} />);
}

function Part({ part }: { part: ContentPart }) {
  if (part.type === 'text') return <p dir="auto">{part.text}</p>;
  if ('data' in part) {
    return (
      <img className="attached" src={`data:${part.media_type};base64,${part.data}`} alt="Attached by you" />
    );
  }
  if (part.type === 'file') return <AttachedFile file={part} from="Attached by you" />;
  // A foreign server: nothing is fetched from it before the user opens the image.
  return (
    <p>
      <a href={part.url} target="_blank" rel="noreferrer noopener">
        Image at {hostOf(part.url)}
      </a>
    </p>
  );
}

/** The server checked the address. A stored message may still hold another form, which is shown as it is. */
const hostOf = (url: string): string => URL.parse(url)?.host ?? url;

/** Names the message of a button, for users who do not see the message above it. */
function Quoted({ content }: { content: Content }) {
  return <span className="unseen"> “{shortened(textOf(content), 40) || 'image'}”</span>;
}
