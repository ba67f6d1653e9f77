import { defineConfig } from 'nitro';

/** As the guide for Hono has it. */
export default defineConfig({
  modules: ['workflow/nitro'],
  buildDir: '.nitro',
  plugins: ['./start-world.ts'],
  routes: { '/**': './server.ts' },
});
