import { memo } from 'react';
import type { UserItem } from '../../client/index.ts';
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
      <div className="bubble">{item.content}</div>
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

/** Which message a button is about, for those who do not see what stands above it. */
function Quoted({ content }: { content: string }) {
  return <span className="unseen"> “{content.slice(0, 40)}”</span>;
}
