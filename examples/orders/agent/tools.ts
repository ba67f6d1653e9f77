import { tool } from 'ai';
import { toolContext, toolContextWith } from 'midturn/agent';
import { z } from 'zod';
import { cancelOrder, ordersOf, ordersOfShop, placeOrder } from './orders.ts';

/** Data parts for the page of the application (page/chart.tsx). */
export type Parts = { chart: { title: string; bars: [label: string, count: number][] } };

export const myOrders = tool({
  description: 'Lists the orders of the user.',
  inputSchema: z.object({}),
  contextSchema: toolContext,
  execute: async (_, { context: { caller } }) =>
    (await ordersOf(caller.principal)).map(({ id, item, count, status }) => ({ id, item, count, status })),
});

export const order = tool({
  description: 'Orders an item. The user is asked before.',
  inputSchema: z.object({ item: z.string().min(1).max(40), count: z.int().min(1).max(20).default(1) }),
  contextSchema: toolContext,
  execute: ({ item, count }, { context: { caller, idempotencyKey } }) =>
    // The key is the same if the call runs again, so the order is placed once.
    placeOrder(caller.principal, { id: idempotencyKey, item, count, session: caller.session.id }),
});

export const cancel = tool({
  description: 'Cancels an order of the user.',
  inputSchema: z.object({ id: z.string() }),
  contextSchema: toolContext,
  execute: async ({ id }, { context: { caller } }) => {
    await cancelOrder(caller.principal, id);
    return 'Cancelled.';
  },
});

export const sales = tool({
  description: 'Shows what the customers of this shop have ordered, as a chart.',
  inputSchema: z.object({}),
  contextSchema: toolContextWith<Parts>(),
  async *execute(_, { context: { caller, emit } }) {
    yield 'Reading the orders …';
    const counts = new Map<string, number>();
    for (const { item, count, status } of await ordersOfShop(caller.principal.tenant))
      if (status === 'placed') counts.set(item, (counts.get(item) ?? 0) + count);
    const bars = [...counts].sort(([, one], [, other]) => other - one).slice(0, 10);
    emit('chart', { title: 'Sold', bars }, { id: 'sales' });
    yield { items: counts.size, pieces: bars.reduce((sum, [, count]) => sum + count, 0) };
  },
});
