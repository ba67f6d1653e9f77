import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const client = join(import.meta.dirname, '../../client');

export default defineConfig({
  root: join(import.meta.dirname, 'page'),
  base: './',
  plugins: [react()],
  // In this repository the client is used from its sources. An application of its own installs the package, and leaves this out.
  resolve: {
    alias: [
      { find: /^midturn-client\/(react|ai-sdk)$/, replacement: join(client, '$1/index.ts') },
      { find: /^midturn-client\/(files)$/, replacement: join(client, '$1.ts') },
      { find: /^midturn-client$/, replacement: join(client, 'index.ts') },
    ],
  },
});
