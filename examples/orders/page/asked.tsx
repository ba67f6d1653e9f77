import type { UIMessage } from 'ai';

/** What an agent says and does that a tool asks: a message of the AI SDK, or a text if it could not be asked. */
export function Asked({ shown }: { shown: unknown }) {
  if (!isMessage(shown)) return <>{typeof shown === 'string' ? shown : '…'}</>;
  return (
    <ul>
      {shown.parts.map((part, n) => {
        const key = `${n}`;
        if (part.type === 'text') return <li key={key}>{part.text}</li>;
        return 'toolCallId' in part ? (
          <li key={key}>
            {part.type.slice('tool-'.length)}: {JSON.stringify(part.output ?? part.errorText ?? '…')}
          </li>
        ) : null;
      })}
    </ul>
  );
}

const isMessage = (value: unknown): value is UIMessage =>
  typeof value === 'object' && value !== null && 'parts' in value;
