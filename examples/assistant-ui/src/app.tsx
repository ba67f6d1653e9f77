import { type Chat, useChat } from '@ai-sdk/react';
import { AssistantRuntimeProvider, ThreadPrimitive } from '@assistant-ui/react';
import { useAISDKRuntime } from '@assistant-ui/react-ai-sdk';
import type { MidturnUIMessage } from 'midturn-client/ai-sdk';
import { Composer } from './composer.tsx';
import { Message } from './message.tsx';

export function App({ chat }: { chat: Chat<MidturnUIMessage> }) {
  const runtime = useAISDKRuntime(useChat({ chat, resume: true }), {
    // A message steers the answer: what it waits for goes on.
    cancelPendingToolCallsOnSend: false,
  });
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Viewport role="log" aria-label="Conversation">
          <ThreadPrimitive.Messages components={{ Message }} />
        </ThreadPrimitive.Viewport>
        <Composer />
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}
