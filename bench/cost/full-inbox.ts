import { hostPlatform } from '../../client/platform.ts';
import { startLocalCloud } from '../../local/cloud.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import { createGate, type Gate, startModelServer } from '../../test/support/model-server.ts';
import { connect, type WsClient } from '../../test/support/ws-client.ts';
import { type Meter, meterCloud } from './meter.ts';

/** As a user types them who fills `MIDTURN_INBOX_BYTES` of the default settings. */
const WAITING = Array.from({ length: 5 }, () => 'x'.repeat(MAX_CONTENT_BYTES - 2));
const QUESTION = 'Could you compare the two plans?';
const WORDS = 300;
const TOKEN_MS = 1000 / 60;
const TIMEOUT_MS = 120_000;

const { newId } = hostPlatform();

/** Mean write units of a commit while a turn streams, with the events that are spilled meanwhile. */
export interface CommitUnits {
  empty: number;
  full: number;
}

/** Streams a turn beside an empty inbox, and one beside a full one, on a local cloud. */
export async function measureCommits(): Promise<CommitUnits> {
  const gates: Gate[] = [];
  const server = await startModelServer(({ messages }) => {
    // What has waited.
    if (messages.at(-1)?.content !== QUESTION) return { chunks: ['And that.'] };
    const gate = createGate();
    gates.push(gate);
    const words = Array.from({ length: WORDS }, (_word, n) => ` word${n % 10}`);
    return { chunks: ['begin', gate, ...words, ' end'], chunkDelayMs: TOKEN_MS };
  });
  const cloud = await startLocalCloud({
    settings: { MIDTURN_MODEL: 'openai-compatible:scripted', MIDTURN_MODEL_BASE_URL: server.baseUrl },
  });
  try {
    const meter = meterCloud(cloud);
    const client = await connect(`${cloud.url}?session_id=${newId()}`);
    client.send({ type: 'connect' });
    await client.next('connected', { timeoutMs: TIMEOUT_MS });
    const units = async (waiting: readonly string[]) =>
      unitsOfCommit(client, meter, waiting, () => gates.shift()?.open());
    const empty = await units([]);
    const full = await units(WAITING);
    await client.close();
    return { empty, full };
  } finally {
    await cloud.close();
    await server.close();
  }
}

async function unitsOfCommit(
  client: WsClient,
  { ledger }: Meter,
  waiting: readonly string[],
  stream: () => void,
): Promise<number> {
  for (const content of [QUESTION, ...waiting]) {
    client.send({ type: 'message', id: newId(), content });
    await client.next('accepted', { timeoutMs: TIMEOUT_MS });
    if (content === QUESTION) await client.next('chunk', { timeoutMs: TIMEOUT_MS });
  }
  ledger.take();
  stream();
  let isOver = false;
  while (!isOver) {
    const { content } = await client.next('chunk', { timeoutMs: TIMEOUT_MS });
    isOver = content.endsWith(' end');
  }
  const { charges } = ledger.take();
  await client.next('done', { timeoutMs: TIMEOUT_MS });
  const writes = charges.filter(({ unit, by }) => unit === 'writeUnits' && by === 'turn');
  const commits = writes.find(({ what }) => what === 'UpdateItem LANE');
  const spills = writes.find(({ what }) => what === 'PutItem EVENTS');
  if (!commits) throw new Error('The turn committed nothing.');
  return (commits.quantity + (spills?.quantity ?? 0)) / commits.count;
}
