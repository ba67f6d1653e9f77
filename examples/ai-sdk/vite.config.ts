import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const client = join(import.meta.dirname, '../../client');

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // In this repository the client is used from its sources. An application of its own installs the package, and leaves this out.
  resolve: {
    alias: [
      { find: /^midturn-client\/ai-sdk$/, replacement: join(client, 'ai-sdk/index.ts') },
      { find: /^midturn-client$/, replacement: join(client, 'index.ts') },
    ],
  },
});
