import { createInterface } from 'node:readline';
import type { Chat, SentMessage } from '../../client/chat.ts';
import { MidturnError } from '../../client/errors.ts';
import { createMidturn } from '../../client/midturn.ts';
import type { Order, Told } from '../../conformance/client/case.ts';

/** This project's client under the conformance kit: `npm run conformance -- client -- node test/conformance/client-driver.ts`. */

const tell = (told: Told): void => {
  process.stdout.write(`${JSON.stringify(told)}\n`);
};

const tools = new Map<string, Extract<Order, { do: 'run_tool' }>['output']>();
const sent = new Map<string, { message: SentMessage; told: string }>();
const answered = new Set<string>();
let chat: Chat | undefined;

function take(order: Order): void {
  if (order.do === 'open') open(order);
  else if (order.do === 'run_tool') tools.set(order.tool, order.output);
  else if (order.do === 'close') close();
  else if (order.do === 'send') send(order);
  else if (order.do === 'cancel') chat?.cancel(sent.get(order.name)?.message.id ?? '');
  else if (order.do === 'abort') chat?.abort();
  else chat?.approve(order.request_id, order.decision);
}

function open({ url, session, tokens = [] }: Extract<Order, { do: 'open' }>): void {
  let dialled = 0;
  const token = () => tokens[Math.min(dialled++, tokens.length - 1)] ?? '';
  const opened = createMidturn({ url, sessionId: session, ...(tokens.length > 0 && { token }) });
  opened.transcript.subscribe(() => look(opened));
  chat = opened;
  void follow(opened);
}

async function follow(opened: Chat): Promise<void> {
  for (;;) {
    try {
      for await (const event of opened.events()) tell({ event });
      return;
    } catch (error) {
      // The events after a gap are another stream.
      if (!(error instanceof MidturnError && error.code === 'EVENTS_EXPIRED')) return;
    }
  }
}

function send({ name, content, delivery = 'steer' }: Extract<Order, { do: 'send' }>): void {
  try {
    const message = chat?.send(content, { delivery });
    if (message) sent.set(name, { message, told: 'sending' });
  } catch (error) {
    if (!(error instanceof MidturnError)) throw error;
    tell({ message: name, status: 'rejected', code: error.code });
  }
}

/** Tells the states of messages that have changed, and runs the tools that this client is asked to run. */
function look(opened: Chat): void {
  for (const [name, one] of sent) {
    const { state } = one.message;
    if (state.status === one.told || state.status === 'sending') continue;
    one.told = state.status;
    tell({ message: name, status: state.status, ...(state.status === 'rejected' && { code: state.code }) });
  }
  for (const item of opened.transcript.getSnapshot().items) {
    if (item.kind !== 'tool' || !item.request || answered.has(item.id)) continue;
    const output = tools.get(item.name);
    if (output === undefined) continue;
    answered.add(item.id);
    opened.addToolOutput({ toolCallId: item.id, output });
  }
}

function close(): void {
  chat?.close();
  process.exit(0);
}

createInterface(process.stdin).on('line', (line) => take(JSON.parse(line)));
tell({ ready: true });
