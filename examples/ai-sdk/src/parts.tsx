import { getToolName, isToolUIPart } from 'ai';
import type { MidturnUIMessage } from 'midturn-client/ai-sdk';

type Part = MidturnUIMessage['parts'][number];

export function Parts({ parts }: Pick<MidturnUIMessage, 'parts'>) {
  return parts.map((part, index) => <PartView key={keyOf(part, index)} part={part} />);
}

/** Parts are only ever added at the end: their place is their identity. */
const keyOf = (part: Part, index: number): string => `${part.type} ${index}`;

function PartView({ part }: { part: Part }) {
  if (isToolUIPart(part)) {
    return (
      <details>
        <summary>
          {getToolName(part)}
          {part.state === 'input-available' && ' …'}
        </summary>
        <pre>{JSON.stringify(part.state === 'output-error' ? part.errorText : part.output, null, 2)}</pre>
      </details>
    );
  }
  switch (part.type) {
    case 'text':
      return <p>{part.text}</p>;
    // An image of the user's or of the model. One that is elsewhere is a link: nothing is fetched before the reader asks for it.
    case 'file':
      return part.url.startsWith('data:') ? (
        <img src={part.url} alt="Attached, or made by the model" />
      ) : (
        <a href={part.url} rel="noreferrer noopener">
          an image
        </a>
      );
    // What the model names for its answer. Only a page of the web is a link.
    case 'source-url':
      return /^https?:/i.test(part.url) ? (
        <a className="source" href={part.url} rel="noreferrer noopener">
          {part.title ?? part.url}
        </a>
      ) : null;
    case 'source-document':
      return <span className="source">{part.title}</span>;
    case 'reasoning':
      return <p className="reasoning">{part.text}</p>;
    // Said by another device, and taken in here.
    case 'steering-message':
      return (
        <blockquote>
          <Parts parts={part.parts} />
        </blockquote>
      );
    // Sent by the application itself.
    case 'data-midturn-system-message':
      return (
        <blockquote className="system">
          <Parts parts={part.data.parts} />
        </blockquote>
      );
    case 'data-message-state':
      return part.data.status === 'applied' && part.data.step > 1 ? (
        <small>taken in at step {part.data.step}</small>
      ) : null;
    case 'data-failure':
      return (
        <p className="failure">
          {part.data.code}
          {part.data.until !== undefined && ` until ${new Date(part.data.until).toLocaleString()}`}
        </p>
      );
    default:
      return null;
  }
}
