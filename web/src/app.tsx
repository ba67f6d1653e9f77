import { useState } from 'react';
import { ChatView } from './chat-view.tsx';
import { FramesPanel } from './frames-panel.tsx';
import { Sidebar } from './sidebar.tsx';
import { useTheme } from './theme.ts';
import { useChat } from './use-chat.ts';
import { useSessions } from './use-sessions.ts';

export function App() {
  const sessions = useSessions();
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const [showsFrames, setShowsFrames] = useState(false);
  const theme = useTheme();
  const open = useChat(sessions.current);
  const title = sessions.notes.find(({ id }) => id === sessions.current)?.title || 'New conversation';
  return (
    <div className={`shell ${showsFrames ? 'shows-frames' : ''}`}>
      <Sidebar
        notes={sessions.notes}
        current={sessions.current}
        isOpen={isMenuOpen}
        open={() => {
          sessions.open();
          setIsMenuOpen(false);
        }}
        forget={sessions.forget}
        close={() => setIsMenuOpen(false)}
      />
      {open && (
        <ChatView
          key={sessions.current}
          chat={open.chat}
          title={title}
          theme={theme.theme}
          cycleTheme={theme.cycle}
          showsFrames={showsFrames}
          toggleFrames={() => setShowsFrames(!showsFrames)}
          openMenu={() => setIsMenuOpen(true)}
          note={sessions.note}
        />
      )}
      {open && showsFrames && <FramesPanel trace={open.trace} close={() => setShowsFrames(false)} />}
    </div>
  );
}
