import { type RefObject, useRef } from 'react';
import type { ConnectionState } from '../../client/index.ts';
import {
  FramesIcon,
  KeyboardIcon,
  MenuIcon,
  MoonIcon,
  PlugIcon,
  SunIcon,
  SystemIcon,
  UnplugIcon,
} from './icons.tsx';
import { Menu } from './menu.tsx';
import { Shortcuts } from './shortcuts.tsx';
import type { Theme } from './theme.ts';

const STATUS: Record<ConnectionState['status'], string> = {
  connecting: 'Connecting',
  online: 'Connected',
  waiting: 'Reconnecting',
  offline: 'Cut off',
  closed: 'Closed',
};

const THEME_ICONS = { system: SystemIcon, light: SunIcon, dark: MoonIcon };
const THEME_NAMES: Record<Theme, string> = { system: 'as the system', light: 'light', dark: 'dark' };

export function TopBar({
  title,
  agent,
  status,
  showsFrames,
  theme,
  openMenu,
  menuButton,
  toggleFrames,
  toggleConnection,
  cycleTheme,
}: {
  title: string;
  /** Of several agents, the one that answers. */
  agent: string | undefined;
  status: ConnectionState['status'];
  showsFrames: boolean;
  theme: Theme;
  openMenu: () => void;
  menuButton: RefObject<HTMLButtonElement | null>;
  toggleFrames: () => void;
  toggleConnection: () => void;
  cycleTheme: () => void;
}) {
  const isCut = status === 'offline';
  const ThemeIcon = THEME_ICONS[theme];
  const shortcuts = useRef<HTMLDialogElement>(null);
  return (
    <header className="top-bar">
      <button
        ref={menuButton}
        type="button"
        className="icon-button only-narrow"
        onClick={openMenu}
        aria-label="Show the list of sessions"
      >
        <MenuIcon />
      </button>
      <h1 dir="auto">{title}</h1>
      {agent !== undefined && (
        <p className="agent-name" title="The agent of this conversation">
          <bdi>{agent}</bdi>
        </p>
      )}
      <p className={`status status-${status}`}>
        <i />
        <span>{STATUS[status]}</span>
      </p>
      <div className="tools">
        <button
          type="button"
          className="icon-button"
          aria-label={`Colours: ${THEME_NAMES[theme]}. Change`}
          title={`Colours: ${THEME_NAMES[theme]}`}
          onClick={cycleTheme}
        >
          <ThemeIcon />
        </button>
        <Menu label="More">
          {(choosing) => (
            <>
              <button type="button" onClick={choosing(() => shortcuts.current?.showModal())}>
                <KeyboardIcon /> Keyboard shortcuts
              </button>
              <p className="menu-heading">For developers</p>
              <button type="button" onClick={choosing(toggleConnection)}>
                {isCut ? <PlugIcon /> : <UnplugIcon />} {isCut ? 'Connect again' : 'Cut the connection'}
              </button>
              <button type="button" aria-pressed={showsFrames} onClick={choosing(toggleFrames)}>
                <FramesIcon /> Raw frames
              </button>
            </>
          )}
        </Menu>
      </div>
      <Shortcuts dialog={shortcuts} />
    </header>
  );
}
