import { useEffect, useState } from 'react';
import type { ConnectionState } from '../../client/index.ts';

/** A hiccup shorter than this is not worth a word. */
const QUIET_MS = 700;

/** Says that the connection is gone, and what becomes of the answer meanwhile. */
export function ConnectionBanner({
  connection,
  wasOnline,
  reconnect,
}: {
  connection: ConnectionState;
  wasOnline: boolean;
  reconnect: () => void;
}) {
  const { status } = connection;
  const isDown = status === 'waiting' || status === 'offline' || (status === 'connecting' && wasOnline);
  const [isShown, setIsShown] = useState(false);
  useEffect(() => {
    if (!isDown) {
      setIsShown(false);
      return;
    }
    const timer = setTimeout(() => setIsShown(true), status === 'offline' ? 0 : QUIET_MS);
    return () => clearTimeout(timer);
  }, [isDown, status]);
  if (!isShown) return null;
  return (
    <div className="banner">
      <span className="pulse" />
      <p>
        {status === 'offline' ? (
          <>
            <strong>Connection cut.</strong> The answer goes on without you. Reconnect, and watch it catch up.
          </>
        ) : (
          <>
            <strong>Reconnecting…</strong> Nothing is lost: what you write is kept, and the answer goes on.
          </>
        )}
      </p>
      <button type="button" className="link" onClick={reconnect}>
        Reconnect
      </button>
    </div>
  );
}
