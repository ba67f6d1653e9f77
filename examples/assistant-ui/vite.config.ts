import { defineConfig } from 'vite';
import useChat from '../ai-sdk/vite.config.ts';

// As for the `useChat` example. An application of its own has `plugins: [react()]` and no aliases.
export default defineConfig({ ...useChat, root: import.meta.dirname });
