import { ComposerPrimitive, useAui, useAuiState } from '@assistant-ui/react';
import type { KeyboardEvent, SubmitEvent } from 'react';

/** The kit's composer waits for the end of an answer. This one sends while it streams, too: that steers it. */
export function Composer() {
  const aui = useAui();
  const isRunning = useAuiState(({ thread }) => thread.isRunning);

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    aui.composer.send();
  }
  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>): void {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <ComposerPrimitive.Root onSubmit={submit}>
      <ComposerPrimitive.Input
        aria-label="Message"
        placeholder={isRunning ? 'Steer the answer' : 'Say something'}
        submitMode="none"
        onKeyDown={onKeyDown}
      />
      <button type="submit">{isRunning ? 'Steer' : 'Send'}</button>
      <ComposerPrimitive.Cancel>Stop</ComposerPrimitive.Cancel>
    </ComposerPrimitive.Root>
  );
}
