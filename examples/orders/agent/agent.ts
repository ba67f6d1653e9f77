import { agentTool, defineAgent, defineAgents } from 'midturn/agent';
import { cancel, myOrders, order, sales } from './tools.ts';

/** Knows the rules of returns. It reads orders of whoever asks, and changes none. */
const returns = defineAgent({
  instructions: [
    'You say whether an order can be sent back: within 30 days, unopened; food only if it is damaged. Cancelled orders need no return.',
    'Look at the orders first. End with one sentence: whoever asks sees nothing else.',
  ].join('\n'),
  tools: { my_orders: { tool: myOrders, idempotent: true } },
});

const customers = defineAgent({
  instructions: ({ caller }) =>
    [
      `You help ${caller.claims.email ?? 'a customer'} of the shop ${caller.principal.tenant} with orders.`,
      'The user may write while you answer: take it into account from there on, and do not start over.',
    ].join('\n'),
  tools: {
    my_orders: { tool: myOrders, idempotent: true },
    order: { tool: order, needsApproval: true, idempotent: true },
    cancel: { tool: cancel, needsApproval: true, idempotent: true },
    returns: agentTool({
      agent: returns,
      description: 'Says whether an order can be sent back.',
      idempotent: true,
      abortable: true,
    }),
  },
  // A trial may ask three times a day, a customer two hundred times, all customers of a shop ten thousand times.
  budget: ({ principal }) => ({
    turns: principal.subject.startsWith('trial-') ? 3 : 200,
    tenant: { turns: 10_000 },
  }),
});

const staff = defineAgent({
  instructions: ({ caller }) => `You report to the staff of the shop ${caller.principal.tenant}.`,
  tools: { sales: { tool: sales, idempotent: true } },
});

/** With Cognito, who is in the group `staff` is; on one machine, whose name says so. */
const isStaff = (subject: string, groups: unknown): boolean =>
  subject.startsWith('staff-') || (Array.isArray(groups) && groups.includes('staff'));

export const agent = defineAgents(
  { customers, staff },
  {
    choose: ({ principal, claims }) =>
      isStaff(principal.subject, claims['cognito:groups']) ? 'staff' : 'customers',
  },
);
