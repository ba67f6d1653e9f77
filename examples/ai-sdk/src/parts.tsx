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
    case 'reasoning':
      return <p className="reasoning">{part.text}</p>;
    // Said by another device, and taken in here.
    case 'steering-message':
      return (
        <blockquote>{part.parts.map((one) => (one.type === 'text' ? one.text : '')).join('')}</blockquote>
      );
    case 'data-message-state':
      return part.data.status === 'applied' && part.data.step > 1 ? (
        <small>taken in at step {part.data.step}</small>
      ) : null;
    case 'data-failure':
      return <p className="failure">{part.data.code}</p>;
    default:
      return null;
  }
}
