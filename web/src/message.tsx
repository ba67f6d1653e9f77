import { memo } from 'react';
import { type Content, type ContentPart, textOf, type UserItem } from '../../client/index.ts';
import { SteerIcon } from './icons.tsx';
import { messageNote } from './message-note.ts';

export interface MessageActions {
  withdraw(id: string): void;
  dismiss(id: string): void;
  resend(item: UserItem): void;
}

/** Something the reader said. `steering`: it stands in the answer, where it was taken in. */
export const Message = memo(function Message({
  item,
  steering,
  actions,
}: {
  item: UserItem;
  steering: boolean;
  actions: MessageActions;
}) {
  const { status } = item.state;
  const isPending = status === 'sending' || status === 'accepted' || status === 'queued';
  const isRefused = status === 'cancelled' || status === 'rejected';
  return (
    <article
      className={`message ${steering ? 'message-steering' : ''} is-${status}`}
      aria-label={steering ? 'You, while it answered' : 'You'}
    >
      <div className="bubble">
        <Said content={item.content} />
      </div>
      <p className="note">
        {steering && <SteerIcon />}
        <span>{item.withdrawing ? 'Withdrawing…' : messageNote(item.state)}</span>
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
    </article>
  );
});

function Said({ content }: { content: Content }) {
  if (typeof content === 'string') return content;
  // Parts have no names, and their order never changes.
  // biome-ignore lint/suspicious/noArrayIndexKey: as said above
  return content.map((part, index) => <Part key={index} part={part} />);
}

function Part({ part }: { part: ContentPart }) {
  if (part.type === 'text') return <p>{part.text}</p>;
  if ('data' in part) {
    return (
      <img className="attached" src={`data:${part.media_type};base64,${part.data}`} alt="Attached by you" />
    );
  }
  // Somebody else's server: nothing is fetched from it before the reader asks.
  return (
    <p>
      <a href={part.url} target="_blank" rel="noreferrer noopener">
        Image at {hostOf(part.url)}
      </a>
    </p>
  );
}

/** The address was checked when it was sent; whoever stored it otherwise, it is shown. */
const hostOf = (url: string): string => URL.parse(url)?.host ?? url;

/** Which message a button is about, for those who do not see what stands above it. */
function Quoted({ content }: { content: Content }) {
  return <span className="unseen"> “{textOf(content).slice(0, 40) || 'image'}”</span>;
}
