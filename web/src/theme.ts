import { useEffect, useState } from 'react';
import { keptHere } from './kept.ts';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'midturn:theme';
const NEXT: Record<Theme, Theme> = { system: 'dark', dark: 'light', light: 'system' };

/** The user's choice, or the system's theme. Stored in this browser. */
export function useTheme(): { theme: Theme; cycle: () => void } {
  const [theme, setTheme] = useState<Theme>(() => {
    const kept = keptHere.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  });
  useEffect(() => {
    if (theme === 'system') {
      delete document.documentElement.dataset.theme;
      keptHere.removeItem(KEY);
    } else {
      document.documentElement.dataset.theme = theme;
      keptHere.setItem(KEY, theme);
    }
  }, [theme]);
  return { theme, cycle: () => setTheme(NEXT[theme]) };
}
