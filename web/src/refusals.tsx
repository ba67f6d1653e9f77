import type { UserItem } from '../../client/index.ts';
import type { MessageActions } from './message.tsx';

/** Sends or discards several rejected messages at once. */
export function Refusals({ refused, actions }: { refused: readonly UserItem[]; actions: MessageActions }) {
  if (refused.length < 2) return null;
  const each = (act: (item: UserItem) => void) => () => {
    for (const item of refused) act(item);
  };
  return (
    <div className="refusals">
      <p>{refused.length} messages were not taken.</p>
      <button type="button" className="link" onClick={each(actions.resend)}>
        Send all again
      </button>
      <button type="button" className="link" onClick={each(({ id }) => actions.dismiss(id))}>
        Dismiss all
      </button>
    </div>
  );
}
