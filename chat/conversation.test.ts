import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventFrame, ServerFrame } from '../client/protocol.ts';
import { fakeSockets } from '../client/testing/socket.ts';
import { Story } from '../client/testing/story.ts';
import type { Arguments } from './arguments.ts';
import { HELP } from './commands.ts';
import { type Conversation, converse } from './conversation.ts';
import type { Piece } from './feed.ts';

const closing: Conversation[] = [];
let sockets: ReturnType<typeof fakeSockets>['sockets'] = [];
beforeEach(() => {
  const fake = fakeSockets();
  sockets = fake.sockets;
  vi.stubGlobal('WebSocket', fake.WebSocket);
});
afterEach(() => {
  for (const conversation of closing.splice(0)) conversation.close();
  vi.unstubAllGlobals();
});

/** Lets the promises of the client settle. */
const settle = () => new Promise(setImmediate);

/** A conversation with a server that the test plays, and what its screen shows. */
async function given(more: Partial<Arguments> = {}, start: object = {}) {
  const pieces: Piece[] = [];
  const screen = {
    below: [] as readonly string[],
    finished: 0,
    calls: 0,
    show: (next: readonly Piece[]) => {
      screen.calls += 1;
      pieces.push(...next);
    },
    status: (lines: readonly string[]) => {
      screen.calls += 1;
      screen.below = lines;
    },
    finish: () => {
      screen.finished += 1;
    },
    close: () => {},
  };
  const conversation = converse(
    { url: 'wss://example.test/prod', token: undefined, sessionId: 's', ...more },
    screen,
  );
  closing.push(conversation);
  const story = new Story();
  const open = async () => {
    await settle();
    const socket = sockets.at(-1);
    if (!socket) throw new Error('There is a socket.');
    socket.accept();
    socket.deliver({ ...story.sessionStart('lane-1'), ...start }, { type: 'connected', message: '' });
    await settle();
    return socket;
  };
  const socket = await open();
  /** Delivers what the story has got since. */
  const tell = async (act: () => void, ...frames: ServerFrame[]) => {
    const before = story.events.length;
    act();
    socket.deliver(...story.events.slice(before), ...frames);
    await settle();
  };
  const begin = () =>
    tell(() => {
      story.begin(['u1']);
      story.takeIn([{ id: 'u1', content: 'hello' }], 1);
    });
  /** The lines that were shown since the last look, and how. */
  const lines = () => pieces.splice(0).map(({ style, text }) => `${style}: ${text}`);
  const type = async (line: string) => {
    const goesOn = conversation.take(line);
    await settle();
    return goesOn;
  };
  return { conversation, screen, socket, story, tell, begin, lines, type, greeted: lines() };
}
type Added = EventFrame extends infer E ? (E extends EventFrame ? Omit<E, 'seq' | 'turn_id'> : never) : never;
const asking = (request_id: string, more: object = {}): Added => ({
  type: 'elicitation_request',
  request_id,
  tool_call_id: 'c1',
  tool: 'books_borrow',
  server: 'books',
  mode: 'form',
  message: 'How many?',
  fields: [{ name: 'n', type: 'integer', required: true }],
  timeout_secs: 60,
  ...more,
});

describe('what is typed', () => {
  it('/quit ends it, and nothing else', async () => {
    const { type } = await given();
    expect([await type('hello'), await type(''), await type('/nonsense'), await type('/quit')]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('/help lists the commands, and so is told of one that there is not', async () => {
    const { type, lines } = await given();
    await type('/help');
    expect(lines()).toEqual(HELP.map((line) => `note: ${line}`));
    await type('/nonsense');
    expect(lines()).toEqual(['note: There is no /nonsense. /help lists the commands.']);
  });

  it('/cancel withdraws the newest message, or the one with the number on the screen', async () => {
    const { type, screen, socket, lines } = await given();
    for (const text of ['one', 'two', 'three']) await type(text);
    const [one, two, three] = socket.sentOf('message').map(({ id = '' }) => id);
    for (const id of [one, two, three])
      socket.deliver({ type: 'accepted', id: id ?? '', turn_id: 't', placement: 'steering', position: 0 });
    expect(screen.below.map((line) => line.slice(0, 6))).toEqual(['1. one', '2. two', '3. thr']);
    await type('/cancel');
    await type('/cancel 1');
    expect(socket.sentOf('cancel').map(({ id }) => id)).toEqual([three, one]);
    expect(screen.below.filter((line) => line.includes('[withdrawing]'))).toHaveLength(2);
    lines();
    await type('/cancel 4');
    expect(lines()).toEqual(['note: No such message waits.']);
  });

  it('/stop stops the turn that runs, and says so where none does', async () => {
    const { type, begin, socket, lines, screen } = await given();
    await type('/stop');
    expect(lines()).toEqual(['note: Nothing is being answered.']);
    await begin();
    await type('/stop');
    expect(socket.sentOf('abort')).toHaveLength(1);
    expect(screen.below).toContain('stopping …');
  });

  it('/approve, /always and /deny answer the first request that is open', async () => {
    const { type, begin, tell, story, socket, lines } = await given();
    await begin();
    await type('/approve');
    expect(lines().at(-1)).toBe('note: No tool asks.');
    await tell(() => ['r1', 'r2', 'r3'].map((id) => story.ask(id)));
    for (const answer of ['/deny', '/always', '/approve']) await type(answer);
    const answers = socket
      .sentOf('approval_response')
      .map(({ request_id, decision }) => [request_id, decision]);
    expect(answers).toEqual([
      ['r1', 'deny'],
      ['r2', 'always'],
      ['r3', 'approve'],
    ]);
  });

  it('/trusted lists what runs without being asked about, /revoke takes back one of it or all', async () => {
    const { type, socket, lines } = await given();
    socket.deliver({ type: 'trusted', trusted: ['pay', 'send\u202e'], revocations: 0 });
    lines();
    await type('/trusted');
    expect(lines()).toEqual(['note: 1. pay', 'note: 2. send\\u202e']);
    await type('/revoke 2');
    await type('/revoke 3');
    await type('/revoke');
    expect(lines()).toEqual([
      'note: send\\u202e is asked about again.',
      'note: No such approval is for always.',
      'note: All is asked about again.',
    ]);
    expect(socket.sentOf('revoke').map(({ trust }) => trust)).toEqual(['send\u202e', undefined]);
  });

  it('that is too long to send is told, and nothing else is lost', async () => {
    const { type, socket, lines } = await given();
    expect(await type('€'.repeat(9000))).toBe(true);
    expect(lines()).toEqual([expect.stringMatching(/^trouble: ! /)]);
    await type('short');
    expect(socket.sentOf('message')).toMatchObject([{ content: 'short' }]);
  });
});

describe('a question of a server', () => {
  it('is told once, and once more what became of it', async () => {
    const { begin, tell, story, lines } = await given();
    await begin();
    lines();
    await tell(() => story.add(asking('r1')));
    expect(lines().map((line) => line.slice(0, 25))).toEqual([
      'trouble: books asks you, ',
      'trouble:   n : integer',
      'trouble: /answer and the ',
    ]);
    await tell(() => story.say('so far'));
    expect(lines()).toEqual(['answer: so far']);
    await tell(() =>
      story.add({ type: 'elicitation_resolved', request_id: 'r1', action: 'accept', reason: 'answer' }),
    );
    await tell(() => story.say('on'));
    expect(lines()).toEqual(['note: books has your answer.', 'answer: on']);
    await tell(() => story.add(asking('r2')));
    expect(lines()).toHaveLength(3);
    await tell(() => story.add(asking('r3')));
    expect(lines()).toHaveLength(3);
  });

  it('is answered or declined, the first that is open; what does not fit is told, and not sent', async () => {
    const { begin, tell, story, socket, type, lines } = await given();
    await begin();
    await type('/answer 1');
    expect(lines().at(-1)).toBe('note: Nobody asks.');
    await tell(() => {
      story.add(asking('r0'));
      story.add({ type: 'elicitation_resolved', request_id: 'r0', action: 'cancel', reason: 'timeout' });
      story.add(asking('r1'));
      story.add(asking('r2', { mode: 'url', url: 'https://books.test/', fields: undefined }));
    });
    lines();
    await type('/answer many');
    expect(lines()).toEqual(['trouble: ! n: it must be a number.']);
    await type('/answer 3');
    await type('/decline');
    const answers = () =>
      socket.sentOf('elicitation_answer').map(({ id, action, content }) => [id, action, content]);
    expect(answers()).toEqual([
      ['r1', 'accept', { n: 3 }],
      ['r1', 'decline', undefined],
    ]);
    await tell(() =>
      story.add({ type: 'elicitation_resolved', request_id: 'r1', action: 'accept', reason: 'answer' }),
    );
    await type('/answer done, as you asked');
    expect(answers().at(-1)).toEqual(['r2', 'accept', undefined]);
  });

  it('whose answer the server refuses says why', async () => {
    const { begin, tell, story, socket, type, lines } = await given();
    await begin();
    await tell(() => story.add(asking('r1')));
    await type('/answer 3');
    lines();
    const refused = {
      code: 'ELICITATION_CONTENT_INVALID',
      message: 'n is too large.',
      terminal: false,
    } as const;
    socket.deliver({ type: 'error', ...refused, retryable: false, id: 'r1' });
    await settle();
    expect(lines()).toEqual(['trouble: ! n is too large.']);
  });
});

describe('the connection', () => {
  it('is told when it is there, lost, and there again', async () => {
    const { screen, socket, lines } = await given();
    expect(screen.below).toEqual([]);
    socket.cut();
    expect(screen.below).toEqual(['The connection is lost. Trying again …']);
    expect(lines()).toEqual([]);
    await vi.waitFor(() => expect(sockets).toHaveLength(2));
    const next = sockets[1];
    next?.accept();
    next?.deliver(new Story().sessionStart('lane-1'));
    expect(lines()).toEqual(['note: Connected again.']);
    expect(screen.below).toEqual([]);
  });

  it('goes with the token, the session and the wish of the command line', async () => {
    const { socket } = await given({ token: 'secret', agent: 'sales' });
    expect(socket.protocols).toEqual(['midturn.v1', 'bearer.secret']);
    expect(socket.url).toBe('wss://example.test/prod?session_id=s');
    expect(socket.sentOf('connect')[0]).toMatchObject({ agent: 'sales', device_name: 'Midturn terminal' });
  });

  it('brings errors of the server, and what is withdrawn or refused', async () => {
    const { socket, lines } = await given();
    socket.deliver({
      type: 'error',
      code: 'INVALID_FRAME',
      message: 'why',
      terminal: false,
      retryable: false,
    });
    expect(lines()).toEqual(['trouble: ! INVALID_FRAME: why']);
  });

  it('names the agent once, and offers several for a conversation that has none', async () => {
    const offer = { agents: ['sales', 'help\u202e'] };
    const { lines, socket, story, greeted } = await given({}, offer);
    const offered = 'note: Agents for a new conversation: sales, help\\u202e. --agent chooses one.';
    expect(greeted.filter((line) => !line.startsWith('note: Connected.'))).toEqual([offered]);
    socket.deliver({ type: 'pong' }, { type: 'renamed', session_id: 's', name: 'Trip' });
    expect(lines()).toEqual([]);
    const chosen = await given({ agent: 'sales' }, offer);
    expect(chosen.greeted).not.toContain(offered);
    socket.deliver({ ...story.sessionStart('lane-1'), ...offer, agent: 'help\u202e' });
    socket.deliver({ ...story.sessionStart('lane-1'), ...offer, agent: 'help\u202e' });
    expect(lines()).toEqual(['note: The agent is help\\u202e.']);
  });
});

describe('the end', () => {
  it('comes when no turn runs and no message waits, or when the connection is closed', async () => {
    const { conversation, type, socket, tell, story } = await given();
    await conversation.quiet();
    await type('hello');
    let isQuiet = false;
    void conversation.quiet().then(() => {
      isQuiet = true;
    });
    await settle();
    expect(isQuiet).toBe(false);
    const [{ id = '' } = {}] = socket.sentOf('message');
    await tell(() => {
      story.begin([id]);
      story.takeIn([{ id, content: 'hello' }], 1);
    });
    expect(isQuiet).toBe(false);
    await tell(() => story.end('done'));
    expect(isQuiet).toBe(true);
    await type('unanswered');
    const quiet = conversation.quiet();
    conversation.chat.close();
    await quiet;
  });

  it('names what the server had not accepted, and shows nothing more', async () => {
    const { conversation, type, socket, lines, screen } = await given();
    await type('accepted');
    await type('unconfirmed');
    const [{ id = '' } = {}] = socket.sentOf('message');
    socket.deliver({ type: 'accepted', id, turn_id: 't', placement: 'turn', position: 0 });
    lines();
    const { calls } = screen;
    expect(conversation.close()).toEqual(['unconfirmed']);
    expect([lines(), screen.calls]).toEqual([[], calls]);
  });

  it('of a turn completes its text; tools that ran in another turn are not among those that run', async () => {
    const { begin, tell, story, screen } = await given();
    await begin();
    screen.finished = 0;
    await tell(() => {
      story.say('half');
      story.call('c1');
    });
    expect([screen.finished, screen.below]).toEqual([0, ['* wait(seconds: 1) → …']]);
    await tell(() => story.end('aborted'));
    expect(screen.finished).toBeGreaterThan(0);
    await tell(() => story.begin(['u2']));
    expect(screen.below).toEqual([]);
  });
});
