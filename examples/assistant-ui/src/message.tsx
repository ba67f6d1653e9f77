import { MessagePrimitive, type ToolCallMessagePartProps } from '@assistant-ui/react';

export function Message() {
  return (
    <MessagePrimitive.Root>
      <MessagePrimitive.Parts
        components={{
          // An answer that has no text yet has an empty one.
          Text: ({ text }) => text !== '' && <p>{text}</p>,
          Reasoning: ({ text }) => <p className="reasoning">{text}</p>,
          tools: { Fallback: Tool },
          data: { by_name: { 'message-state': State, failure: Failure } },
        }}
      />
    </MessagePrimitive.Root>
  );
}

function Tool({ toolName, args, result, approval, respondToApproval }: ToolCallMessagePartProps) {
  const isAsked = approval !== undefined && approval.approved === undefined;
  return (
    <details open={isAsked}>
      <summary>
        {toolName}
        {isAsked && ' asks for approval'}
        {approval?.approved === false && ' was denied'}
      </summary>
      <pre>{JSON.stringify(result ?? args, null, 2)}</pre>
      {isAsked && (
        <>
          <button type="button" onClick={() => respondToApproval({ approved: true })}>
            Approve
          </button>
          <button type="button" onClick={() => respondToApproval({ approved: false })}>
            Deny
          </button>
        </>
      )}
    </details>
  );
}

/** Where a steering message was taken in. */
function State({ data }: { data: { status: string; step?: number } }) {
  return data.status === 'applied' && (data.step ?? 1) > 1 ? (
    <small>taken in at step {data.step}</small>
  ) : null;
}

/** Why a turn failed. */
const Failure = ({ data }: { data: { code: string; message: string } }) => (
  <p role="alert">
    {data.code}: {data.message}
  </p>
);
