import { definePlugin } from 'nitro';
import { getWorld } from 'workflow/runtime';

/** Takes up what was running when the process before this one died. */
export default definePlugin(async () => {
  const world = await getWorld();
  await world.start?.();
});
