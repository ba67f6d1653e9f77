import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { Chat, UserItem } from '../../client/index.ts';
import { Announcer } from './announcer.tsx';
import type { AnswerActions } from './answer.tsx';
import { ConnectionBanner } from './banner.tsx';
import { Composer } from './composer.tsx';
import { Conversation } from './conversation.tsx';
import { titleOf } from './sessions.ts';
import type { Theme } from './theme.ts';
import { TopBar } from './top-bar.tsx';
import { useFrameStore } from './use-frame-store.ts';

export function ChatView({
  chat,
  title,
  theme,
  cycleTheme,
  showsFrames,
  toggleFrames,
  openMenu,
  note,
}: {
  chat: Chat;
  title: string;
  theme: Theme;
  cycleTheme: () => void;
  showsFrames: boolean;
  toggleFrames: () => void;
  openMenu: () => void;
  note: (id: string, title: string) => void;
}) {
  const state = useFrameStore(chat.transcript);
  const { status } = state.connection;
  const wasOnline = useRef(false);
  if (status === 'online') wasOnline.current = true;

  const isAnswering = state.activeTurn !== undefined;
  const stop = useCallback(() => chat.abort(), [chat]);
  useEffect(() => {
    if (!isAnswering) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.isComposing) stop();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [isAnswering, stop]);

  // A conversation opened by its link is noted under what it began with.
  const first = state.history.more
    ? undefined
    : state.items.find((item): item is UserItem => item.kind === 'user')?.content;
  useEffect(() => {
    if (first !== undefined) note(chat.sessionId, titleOf(first));
  }, [chat, first, note]);
  useEffect(() => {
    document.title = title === 'New conversation' ? 'Midturn' : `${title} · Midturn`;
  }, [title]);

  const actions = useMemo(
    (): AnswerActions => ({
      withdraw: (id) => chat.cancel(id),
      dismiss: (id) => chat.dismiss(id),
      resend: (item) => {
        chat.dismiss(item.id);
        chat.send(item.content, { delivery: item.delivery });
      },
      approve: (requestId, decision) => chat.approve(requestId, decision),
    }),
    [chat],
  );

  return (
    <main className="chat">
      <TopBar
        title={title}
        status={status}
        showsFrames={showsFrames}
        theme={theme}
        openMenu={openMenu}
        toggleFrames={toggleFrames}
        toggleConnection={() => (status === 'offline' ? chat.connect() : chat.disconnect())}
        cycleTheme={cycleTheme}
      />
      <ConnectionBanner
        connection={state.connection}
        wasOnline={wasOnline.current}
        reconnect={() => chat.connect()}
      />
      <Conversation state={state} actions={actions} loadEarlier={() => chat.history()} />
      <Composer
        isAnswering={isAnswering}
        isStopping={state.activeTurn?.stopping === true}
        send={(content, delivery) => chat.send(content, { delivery })}
        stop={stop}
      />
      <Announcer state={state} />
    </main>
  );
}
