/**
 * `npm run smoke -- <url> [token]`: one steered answer from a deployment. Sends a message, sends a second one while the
 * answer streams, and prints the frames. Succeeds when both messages were applied and answered.
 */

const ASK = { type: 'message', id: 'ask', content: 'Tell me about the sea, in five sentences.' };
const STEER = { type: 'message', id: 'steer', content: 'And about lighthouses too, please.' };
const TIMEOUT_MS = 120_000;

interface Frame {
  type: string;
  content?: string;
  message?: string;
  code?: string;
  terminal?: boolean;
  messages?: { id: string }[];
  placement?: string;
}

function converse(url: string, token: string | undefined): Promise<void> {
  const address = new URL(url);
  address.searchParams.set('session_id', `smoke-${Date.now()}`);
  // As in a browser, which cannot send a header: the token is a subprotocol, which no log contains.
  const socket = new WebSocket(address, token ? ['midturn.v1', `bearer.${token}`] : ['midturn.v1']);
  const applied = new Set<string>();
  let steered = false;
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error('no answer within two minutes')), TIMEOUT_MS);
    const end = (error?: Error) => {
      clearTimeout(timeout);
      socket.close();
      if (error) reject(error);
      else resolve();
    };
    const send = (frame: object) => socket.send(JSON.stringify(frame));
    socket.addEventListener('open', () => send(ASK));
    socket.addEventListener('error', () => end(new Error('the connection was refused: check URL and token')));
    socket.addEventListener('close', () => end(new Error('the connection was closed')));
    socket.addEventListener('message', ({ data }) => {
      const frame: Frame = JSON.parse(String(data));
      if (frame.type === 'chunk') process.stdout.write(frame.content ?? '');
      else process.stdout.write(`\n[${frame.type}${frame.placement ? ` as ${frame.placement}` : ''}]\n`);
      for (const { id } of frame.messages ?? []) applied.add(id);
      if (frame.type === 'chunk' && !steered) {
        steered = true;
        send(STEER);
      }
      if (frame.type === 'error') end(new Error(`${frame.code}: ${frame.message}`));
      if (frame.type === 'done' && applied.has(ASK.id) && applied.has(STEER.id)) end();
    });
  });
}

const [url, token] = process.argv.slice(2);
if (!url || !/^wss?:\/\//.test(url)) {
  console.error('usage: npm run smoke -- wss://… [token]');
  process.exitCode = 2;
} else {
  try {
    await converse(url, token);
    console.log('midturn answers, and can be steered.');
  } catch (error) {
    console.error(`\nmidturn does not answer: ${(error as Error).message}.`);
    process.exitCode = 1;
  }
}
