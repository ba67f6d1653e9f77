import { visible } from '../../client/display.ts';
import { ToolIcon } from './icons.tsx';

/** Lists what runs without being asked about, and revokes it. */
export function Trusts({
  trusted,
  revoke,
}: {
  trusted: readonly string[];
  revoke: (trust?: string) => void;
}) {
  if (trusted.length === 0) return null;
  return (
    <details className="trusts">
      <summary>
        <ToolIcon />
        {trusted.length === 1 ? 'One approval is for always' : `${trusted.length} approvals are for always`}
      </summary>
      <ul>
        {trusted.map((trust) => (
          <li key={trust}>
            <code>{visible(trust)}</code>
            <button type="button" className="link" onClick={() => revoke(trust)}>
              Ask again
            </button>
          </li>
        ))}
      </ul>
      {trusted.length > 1 && (
        <button type="button" className="link" onClick={() => revoke()}>
          Ask again about all
        </button>
      )}
    </details>
  );
}
