import { useCallback, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import type { Content } from '../../client/index.ts';
import { ChatView } from './chat-view.tsx';
import { COMPOSER_ID } from './composer.tsx';
import { FramesPanel } from './frames-panel.tsx';
import { keptInTab } from './kept.ts';
import { shownSessions } from './sessions.ts';
import { Sidebar } from './sidebar.tsx';
import { useTheme } from './theme.ts';
import { keepToken } from './token.ts';
import { useChat } from './use-chat.ts';
import { useSessions } from './use-sessions.ts';
import { useStoredSessions } from './use-stored-sessions.ts';

/** `server` is the WebSocket's URL. */
export function App({ server }: { server: string }) {
  const sessions = useSessions();
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const [showsFrames, setShowsFrames] = useState(false);
  const theme = useTheme();
  const { chat, trace, origin, trouble, forgetTrouble } = useChat(server, sessions.current);
  const stored = useStoredSessions(chat);
  const shown = useMemo(
    () => shownSessions(sessions.notes, stored.sessions, sessions.current),
    [sessions.notes, stored.sessions, sessions.current],
  );
  const title = shown.find(({ id }) => id === sessions.current)?.title;
  const { forget, open } = sessions;
  /** What is to be said first in a session that is not shown yet. */
  const firstWords = useRef(new Map<string, Content>());
  const openWith = useCallback(
    (id: string, content: Content) => {
      firstWords.current.set(id, content);
      open(id);
    },
    [open],
  );
  const takeFirstWords = useCallback((id: string) => {
    const content = firstWords.current.get(id);
    firstWords.current.delete(id);
    return content;
  }, []);
  const { drop } = stored;
  const gone = useCallback(
    (id: string) => {
      forget(id);
      drop(id);
    },
    [forget, drop],
  );
  const menuButton = useRef<HTMLButtonElement>(null);
  const closeMenu = useCallback(() => {
    // Synchronously: an element behind the open menu cannot take the focus.
    flushSync(() => setIsMenuOpen(false));
    // On a wide screen the button does not exist.
    menuButton.current?.focus();
  }, []);
  return (
    <div className={`shell ${showsFrames ? 'shows-frames' : ''}`}>
      <button type="button" className="skip" onClick={() => document.getElementById(COMPOSER_ID)?.focus()}>
        Skip to the message field
      </button>
      <Sidebar
        notes={shown}
        current={sessions.current}
        isOpen={isMenuOpen}
        open={() => {
          sessions.open();
          setIsMenuOpen(false);
        }}
        actions={{
          rename: stored.rename,
          save: stored.save,
          async remove(id, name) {
            if (!(await stored.remove(id, name))) return;
            forget(id);
            if (id === sessions.current) sessions.open();
          },
        }}
        outcome={stored.outcome}
        forgetOutcome={stored.forgetOutcome}
        showMore={stored.hasMore ? stored.showMore : undefined}
        older={stored.older}
        close={closeMenu}
      />
      {chat && (
        <ChatView
          key={sessions.current}
          chat={chat}
          title={title}
          theme={theme.theme}
          cycleTheme={theme.cycle}
          isCovered={isMenuOpen}
          menuButton={menuButton}
          showsFrames={showsFrames}
          toggleFrames={() => setShowsFrames(!showsFrames)}
          openMenu={() => setIsMenuOpen(true)}
          note={sessions.note}
          name={stored.name}
          gone={gone}
          openNew={() => open()}
          openWith={openWith}
          takeFirstWords={takeFirstWords}
          origin={origin}
          trouble={trouble}
          forgetTrouble={forgetTrouble}
          enterToken={(token) => {
            keepToken(keptInTab, server, token);
            chat.connect();
          }}
        />
      )}
      {chat && showsFrames && <FramesPanel trace={trace} close={() => setShowsFrames(false)} />}
    </div>
  );
}
