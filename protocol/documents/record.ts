import { isBlank } from '../../core/content.ts';
import { startLocalCloud } from '../../local/cloud.ts';
import { TEST_BUNDLES } from '../../test/support/bundles.ts';
import { createGate, type Gate, type Reply } from '../../test/support/model-server.ts';
import { startScriptedModel } from '../../test/support/scripted-model.ts';
import { readStored } from '../../test/support/stored.ts';
import { connect, type WsClient } from '../../test/support/ws-client.ts';
import type { ClientFrame } from '../client-frames.ts';
import type { ServerFrame } from '../server-frames.ts';
import type { Line, Scene } from './examples.ts';
import { StableNames } from './stable-names.ts';

/**
 * Records a conversation with the product: on a local cloud, with a scripted model. A gate stops each answer at the place
 * where the next frame has to arrive, so every run is the same except for ids and times. Those get stable names.
 */

const SESSION = 'example';
const FORK = 'other-soup';
/** The export in the example begins with this entry. */
const LAST_ENTRIES = 20;
/** Much longer than a cold start on a busy machine. */
const TIMEOUT_MS = 20_000;

interface Stage {
  url: string;
  /** Resolves when no turn runs or waits: `position` also counts a turn that is about to leave the queue. */
  rest(): Promise<unknown>;
  gate(name: string): Gate;
}

export async function recordScenes(): Promise<Scene[]> {
  const gates = new Map<string, Gate>();
  const gate = (name: string): Gate => {
    const made = gates.get(name) ?? createGate();
    gates.set(name, made);
    return made;
  };
  const model = await startScriptedModel();
  model.script(replies(gate));
  const cloud = await startLocalCloud({
    settings: { MIDTURN_MODEL: 'openai-compatible:scripted', MIDTURN_MODEL_BASE_URL: model.baseUrl },
    bundles: TEST_BUNDLES,
    maxEnvironments: 4,
  });
  const stored = readStored(cloud.dynamodb);
  try {
    return await play({
      url: `${cloud.url}?session_id=${SESSION}&name=Groceries`,
      gate,
      rest: () => stored.transcript(SESSION),
    });
  } finally {
    stored.close();
    await cloud.close();
    await model.close();
  }
}

/** One per model call, in order. */
const replies = (gate: Stage['gate']): Reply[] => [
  { chunks: ['Hello! ', gate('hello'), 'What shall we cook?'], usage: { input: 40, output: 8 } },
  { chunks: ['A soup ', gate('soup'), 'of lentils.'], usage: { input: 55, output: 6 } },
  {
    chunks: ['\n\nThen without onions: ', gate('onions'), 'ginger instead.'],
    usage: { input: 71, output: 9 },
  },
  {
    thinking: ['It has to simmer.'],
    chunks: ['I set a timer.'],
    toolCalls: [{ name: 'wait', args: { seconds: 1 }, id: 'call_1' }],
    usage: { input: 90, output: 20 },
  },
  { chunks: [' Done simmering.'], usage: { input: 120, output: 5 } },
  {
    chunks: ['First ', gate('first'), 'chop, ', gate('chop'), 'then fry.'],
    usage: { input: 130, output: 7 },
  },
  { chunks: ['A table for ', gate('table'), 'two.'], usage: { input: 150, output: 5 } },
  { chunks: ['Rice.'], usage: { input: 170, output: 2 } },
  { chunks: ['Once upon a time ', gate('story')], usage: { input: 180, output: 5 } },
  { status: 404, body: { error: { message: 'no such model', type: 'invalid_request_error' } } },
  { chunks: ['It looks done.'], usage: { input: 900, output: 4 } },
];

async function play({ url, gate, rest }: Stage): Promise<Scene[]> {
  const names = new StableNames(SESSION, [FORK]);
  const scenes: Scene[] = [];
  let tape = await Tape.open(url, names);
  const scene = (name: string) => scenes.push({ name, lines: tape.take() });
  const ended = async (name: string) => {
    await rest();
    scene(name);
  };

  await tape.ask({ type: 'connect' }, is('connected'));
  scene('connect');

  await tape.ask({ type: 'message', id: 'm1', content: 'Hello' }, is('chunk'));
  gate('hello').open();
  await tape.until(is('done'));
  await ended('turn');

  await tape.ask({ type: 'message', id: 'm2', content: 'Suggest a soup' }, is('chunk'));
  await tape.ask({ type: 'message', id: 'm3', content: 'No onions, please' }, is('accepted'));
  gate('soup').open();
  await tape.until((frame) => frame.type === 'chunk' && frame.content.includes('onions'));
  gate('onions').open();
  await tape.until(is('done'));
  await ended('steering');

  await tape.ask({ type: 'message', id: 'm4', content: 'Let it simmer' }, is('done'));
  await ended('tools');

  await tape.ask({ type: 'message', id: 'm5', content: 'How do I begin?' }, is('chunk'));
  const { lane, lastSeq } = tape;
  scene('cut');
  // The answer goes on without a connection.
  await tape.cut();
  const watcher = await Tape.open(url, names);
  await watcher.ask({ type: 'connect' }, is('connected'));
  gate('first').open();
  await watcher.until((frame) => frame.type === 'chunk' && frame.content.includes('chop'));
  await watcher.cut();
  tape = await Tape.open(url, names);
  await tape.ask({ type: 'connect', resume: { lane: lane(), after_seq: lastSeq() } }, is('connected'));
  gate('chop').open();
  await tape.until(is('done'));
  await ended('resume');

  await tape.ask({ type: 'message', id: 'm6', content: 'Set the table' }, is('chunk'));
  await tape.ask(
    { type: 'message', id: 'm7', content: 'What goes with it?', delivery: 'queue' },
    is('accepted'),
  );
  await tape.ask({ type: 'message', id: 'm8', content: 'For three!' }, is('accepted'));
  await tape.ask({ type: 'cancel', id: 'm8' }, is('cancelled'));
  gate('table').open();
  await tape.until(is('done'));
  await tape.until(is('done'));
  await ended('queue');

  await tape.ask({ type: 'message', id: 'm9', content: 'Tell me a story' }, is('chunk'));
  await tape.ask({ type: 'abort' }, is('aborted'));
  await ended('abort');

  await tape.ask({ type: 'message', id: 'm10', content: 'Go on' }, (frame) => frame.type === 'error');
  await ended('failure');

  await tape.ask({ type: 'message', id: 'm10', content: 'Go on' }, is('accepted'));
  scene('repeat');

  for (const frame of [
    { type: 'message', id: 'm11', content: '  ' },
    { type: 'cancel', id: 'm9' },
    { type: 'approval_response', request_id: 'r1', decision: 'approve' },
    { type: 'abort' },
  ] as const) {
    await tape.ask(frame, is('error'));
  }
  scene('errors');

  await tape.ask(
    {
      type: 'message',
      id: 'm12',
      content: [
        { type: 'text', text: 'Is this done?' },
        { type: 'image', url: 'https://example.com/soup.jpg' },
      ],
    },
    is('done'),
  );
  await ended('image');

  await tape.ask(
    { type: 'upload', id: 'u1', media_type: 'application/pdf', size: 48_213, name: 'menu.pdf' },
    is('upload'),
  );
  scene('file');

  await tape.ask({ type: 'history', before: 9, limit: 3 }, is('history'));
  await tape.ask({ type: 'history', before: 9, limit: 3, merged: true }, is('history'));
  scene('history');

  await tape.ask({ type: 'rename', session_id: SESSION, name: 'Soup' }, is('renamed'));
  await tape.ask({ type: 'sessions' }, is('sessions'));
  await tape.ask({ type: 'export', session_id: SESSION, after: `${LAST_ENTRIES}.0` }, is('export'));
  scene('sessions');

  const fork = { type: 'fork', session_id: FORK, from: SESSION, before: 'm3' } as const;
  await tape.ask(fork, is('forked'));
  await tape.ask({ ...fork, session_id: SESSION }, is('error'));
  scene('fork');

  await tape.ask({ type: 'ping', nonce: 7 }, is('pong'));
  scene('ping');

  await tape.ask({ type: 'delete', session_id: SESSION }, is('deleted'));
  await tape.ask({ type: 'history' }, is('error'));
  scene('deletion');
  await tape.cut();
  return scenes;
}

type Match = (frame: ServerFrame) => boolean;

const is =
  (type: ServerFrame['type']): Match =>
  (frame) =>
    frame.type === type;

/** One connection, and a record of its frames. */
class Tape {
  readonly #client: WsClient;
  readonly #names: StableNames;
  #lines: Line[] = [];

  static async open(url: string, names: StableNames): Promise<Tape> {
    return new Tape(await connect(url, { protocols: ['midturn.v1'] }), names);
  }

  private constructor(client: WsClient, names: StableNames) {
    this.#client = client;
    this.#names = names;
  }

  /** The connection's lane, from `session_start`. */
  readonly lane = (): string => {
    const start = this.#client.frames.find((frame) => frame.type === 'session_start');
    if (!start) throw new Error('the connection has not received session_start');
    return start.lane;
  };

  readonly lastSeq = (): number =>
    Math.max(0, ...this.#client.frames.map((frame) => ('seq' in frame ? frame.seq : 0)));

  /** Sends a frame and records it and what is received, up to the first frame that matches. */
  async ask(frame: ClientFrame, last: Match): Promise<void> {
    this.#lines.push({ from: 'client', frame: this.#names.apply(frame) });
    this.#client.send(frame);
    if (frame.type === 'message' && !isBlank(frame.content)) return this.until(andAccepted(last, frame.id));
    await this.until(last, frame.type === 'connect' ? 'as it came' : 'replies first');
  }

  async until(last: Match, order: 'as it came' | 'replies first' = 'replies first'): Promise<void> {
    const frames = (
      await this.#client.until((frame) => frame.type !== undefined && last(frame), { timeoutMs: TIMEOUT_MS })
    )
      .filter((frame): frame is ServerFrame => frame.type !== undefined)
      .map((frame) => this.#names.apply(frame));
    // A reply and the events of the same cause are sent at the same time: which arrives first differs from run to run.
    const replies = frames.filter((frame) => !('seq' in frame));
    const events = frames.filter((frame) => 'seq' in frame);
    for (const frame of order === 'as it came' ? frames : [...replies, ...events])
      this.#lines.push({ from: 'server', frame });
  }

  take(): Line[] {
    return this.#lines.splice(0);
  }

  async cut(): Promise<void> {
    await this.#client.terminate();
  }
}

/** Matches when `accepted` and the wanted frame have arrived, in either order: `accepted` can come after the first events. */
function andAccepted(last: Match, id: string | undefined): Match {
  let [accepted, over] = [false, false];
  return (frame) => {
    accepted ||= frame.type === 'accepted' && frame.id === id;
    over ||= last(frame);
    return accepted && over;
  };
}
