import { useEffect, useRef, useState } from 'react';
import type { ConnectionState } from '../../client/index.ts';
import { TokenForm } from './token-form.tsx';

/** Shorter interruptions are not shown. */
const QUIET_MS = 700;
/** After so many failed handshakes the token may have expired, although it was valid before. */
const REFUSED_AFTER = 4;

/** Shows that the connection is lost, that the answer continues, and what the user can do. */
export function ConnectionBanner({
  connection,
  reconnect,
  enterToken,
  openNew,
}: {
  connection: ConnectionState;
  reconnect: () => void;
  enterToken: (token: string) => void;
  openNew: () => void;
}) {
  const { status } = connection;
  const wasOnline = useRef(false);
  const failures = useRef(0);
  if (status === 'online') {
    wasOnline.current = true;
    failures.current = 0;
  }
  if (status === 'waiting') failures.current = connection.attempt;
  const isDown =
    status !== 'online' && (status !== 'connecting' || wasOnline.current || failures.current > 0);
  const isShown = useAfter(isDown, status === 'offline' || status === 'closed' ? 0 : QUIET_MS);
  if (!isDown || !isShown) return null;
  // A browser does not distinguish a rejected handshake from an unreachable server.
  const mayBeRefused =
    status !== 'offline' &&
    status !== 'closed' &&
    failures.current >= (wasOnline.current ? REFUSED_AFTER : 1);
  return (
    <div className="banner">
      <span className="pulse" />
      <div className="banner-words">
        <Words status={status} wasOnline={wasOnline.current} />
        {mayBeRefused && <TokenForm enter={enterToken} />}
      </div>
      <button type="button" className="link" onClick={status === 'closed' ? openNew : reconnect}>
        {status === 'closed' ? 'Begin a new one' : 'Reconnect'}
      </button>
    </div>
  );
}

function Words({ status, wasOnline }: { status: ConnectionState['status']; wasOnline: boolean }) {
  if (status === 'closed') {
    return (
      <p>
        <strong>This conversation was deleted.</strong>
      </p>
    );
  }
  if (status === 'offline') {
    return (
      <p>
        <strong>Connection cut.</strong>{' '}
        <span className="banner-more">The answer goes on without you. Reconnect, and watch it catch up.</span>
      </p>
    );
  }
  return wasOnline ? (
    <p>
      <strong>Reconnecting…</strong>{' '}
      <span className="banner-more">Nothing is lost: what you write is kept, and the answer goes on.</span>
    </p>
  ) : (
    <p>
      <strong>No connection yet.</strong> The server cannot be reached, or it asks who you are. What you write
      is kept.
    </p>
  );
}

/** Returns true when `condition` has been true for so many milliseconds. */
function useAfter(condition: boolean, milliseconds: number): boolean {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (!condition) {
      setHeld(false);
      return;
    }
    const timer = setTimeout(() => setHeld(true), milliseconds);
    return () => clearTimeout(timer);
  }, [condition, milliseconds]);
  return held;
}
