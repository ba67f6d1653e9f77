import type { ReactNode } from 'react';

/** Suggestions whose answers take long enough to steer. */
const SUGGESTIONS = ['Wait 5 seconds, then tell me the time', 'A long story about lighthouses'];

/** An empty conversation: an introduction and suggestions. */
export function Welcome({
  loading,
  say,
  children,
}: {
  loading: boolean;
  say: (content: string) => void;
  /** What can be chosen for a new conversation. */
  children?: ReactNode;
}) {
  if (loading) return <p className="welcome-wait">Opening the conversation…</p>;
  return (
    <div className="welcome">
      <h2>Say something. Then say more.</h2>
      <p>
        You need not wait for the end of an answer. What you write meanwhile is taken in at its next step, and
        stands there, in the answer, where it made a difference.
      </p>
      {children}
      <ul aria-label="To begin with">
        {SUGGESTIONS.map((content) => (
          <li key={content}>
            <button type="button" className="button" onClick={() => say(content)}>
              {content}
            </button>
          </li>
        ))}
      </ul>
      <p className="welcome-more">
        While it answers, write again. Or stop it, reload the page, or cut the connection with the plug above:
        what was said stands.
      </p>
    </div>
  );
}
