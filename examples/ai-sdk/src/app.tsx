import { type Chat, useChat } from '@ai-sdk/react';
import type { MidturnUIMessage } from 'midturn-client/ai-sdk';
import { type SubmitEvent, useState } from 'react';
import { Parts } from './parts.tsx';

export function App({ chat }: { chat: Chat<MidturnUIMessage> }) {
  const { messages, sendMessage, stop, status, error } = useChat({ chat, resume: true });
  const [text, setText] = useState('');
  const isBusy = status === 'submitted' || status === 'streaming';

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    if (text.trim() === '') return;
    // Also while an answer streams: that steers it.
    sendMessage({ text });
    setText('');
  }

  return (
    <main>
      <ol aria-label="Conversation">
        {messages.map((message, index) => (
          <li key={message.id} className={message.role}>
            <Parts parts={message.parts} />
            {message.metadata?.stopping && <small>stopping</small>}
            {isBusy && message.role === 'user' && waits(messages[index + 1]) && (
              <small>waits for the next step</small>
            )}
          </li>
        ))}
      </ol>
      {error && <p role="alert">{error.message}</p>}
      <form onSubmit={submit}>
        <input
          aria-label="Message"
          placeholder={isBusy ? 'Steer the answer' : 'Say something'}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit">{isBusy ? 'Steer' : 'Send'}</button>
        <button type="button" disabled={!isBusy} onClick={() => stop()}>
          Stop
        </button>
      </form>
    </main>
  );
}

/** The answer is there as soon as its message is sent, and empty until the message is taken in. */
function waits(answer: MidturnUIMessage | undefined): boolean {
  return answer === undefined || answer.parts.length === 0;
}
