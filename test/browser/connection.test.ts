import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

/** Long enough for several attempts to reconnect, which all fail. */
const OFFLINE_MS = 10_000;

describeInBrowser('Connections of the page', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  it('P9: reloaded in mid-answer, the text stands and goes on; steering that waits still waits', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['The draft', gate, ' goes on.'] }, { chunks: ['Final.'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: The draft');
    await chat.say('second');
    const open = ['user: first', 'assistant: The draft', 'user, Accepted · steers at the next step: second'];
    await chat.shows(...open);
    await chat.reload();
    await chat.shows(...open);
    gate.open();
    await chat.shows('user: first', 'assistant: The draft goes on.', 'user: second', 'assistant: Final.');
    await chat.answered();
    const stored = await stack.stored.lines(session);
    expect(await chat.lines()).toEqual(stored);
    await chat.reload();
    await chat.shows(...stored);
  });

  it('reloaded with finished and running turns, each stands once and in its order', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['one'] }, { chunks: ['two', gate, ' ends'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: one');
    await chat.answered();
    await chat.say('second');
    await chat.shows('user: first', 'assistant: one', 'user: second', 'assistant: two');
    await chat.reload();
    await chat.shows('user: first', 'assistant: one', 'user: second', 'assistant: two');
    gate.open();
    await chat.shows('user: first', 'assistant: one', 'user: second', 'assistant: two ends');
    await chat.answered();
    expect(await chat.lines()).toEqual(await stack.stored.lines(session));
  });

  it('P9, P14: cut off by its own switch, it catches up on what was said meanwhile, and sends what was written', async () => {
    const [missed, live] = [createGate(), createGate()];
    stack.script([{ chunks: ['Said,', missed, ' missed,', live, ' live.'] }, { chunks: ['Final.'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: Said,');
    await chat.cut();
    missed.open();
    await live.reached;
    await chat.say('second');
    await chat.shows('user: first', 'assistant: Said,', 'user, Sending…: second');
    await chat.connectAgain();
    await chat.shows(
      'user: first',
      'assistant: Said, missed,',
      'user, Accepted · steers at the next step: second',
    );
    live.open();
    await chat.shows('user: first', 'assistant: Said, missed, live.', 'user: second', 'assistant: Final.');
    await chat.answered();
    expect(await chat.lines()).toEqual(await stack.stored.lines(session));
  });

  it('a turn that ended while it was cut off is there, whole', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['Said,', gate, ' missed.'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: Said,');
    await chat.cut();
    gate.open();
    await (await model.waitForRequest(1)).ended;
    const stored = await stack.stored.lines(session);
    expect(stored).toEqual(['user: first', 'assistant: Said, missed.']);
    await chat.connectAgain();
    await chat.shows(...stored);
    await chat.answered();
  });

  it('P9: a connection that the network loses comes back by itself, with nothing lost or doubled', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['Said,', gate, ' and on.'] }, { chunks: ['Final.'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: Said,');
    const { gateway } = stack.cloud;
    for (const id of gateway.connections()) gateway.cut(id);
    await chat.say('second');
    gate.open();
    await chat.page.getByText('Connected', { exact: true }).waitFor();
    await chat.counts('applied', 2);
    await chat.answered();
    await chat.shows(...(await stack.stored.lines(session)));
    expect((await chat.lines()).filter((line) => line.startsWith('user'))).toEqual([
      'user: first',
      'user: second',
    ]);
  });

  it('P9, P14: offline for ten seconds in mid-answer, the text stands and goes on', async () => {
    const [missed, live] = [createGate(), createGate()];
    stack.script([{ chunks: ['Said,', missed, ' missed,', live, ' live.'] }, { chunks: ['Final.'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session, { expects: /ERR_INTERNET_DISCONNECTED/ });
    const context = chat.page.context();
    await chat.say('first');
    await chat.shows('user: first', 'assistant: Said,');
    await context.setOffline(true);
    const since = performance.now();
    const { gateway } = stack.cloud;
    for (const id of gateway.connections()) gateway.cut(id);
    missed.open();
    await live.reached;
    await chat.say('second');
    await chat.page.getByText('Reconnecting…').waitFor();
    await chat.shows('user: first', 'assistant: Said,', 'user, Sending…: second');
    await chat.page.waitForTimeout(OFFLINE_MS - (performance.now() - since));
    expect(gateway.connections()).toEqual([]);
    await chat.shows('user: first', 'assistant: Said,', 'user, Sending…: second');
    await context.setOffline(false);
    await chat.shows(
      'user: first',
      'assistant: Said, missed,',
      'user, Accepted · steers at the next step: second',
    );
    await chat.page.getByText('Reconnecting…').waitFor({ state: 'detached' });
    live.open();
    await chat.shows('user: first', 'assistant: Said, missed, live.', 'user: second', 'assistant: Final.');
    await chat.answered();
    expect(await chat.lines()).toEqual(await stack.stored.lines(session));
  });

  it('two tabs of a session show the same, whoever writes', async () => {
    const [a, b] = [createGate(), createGate()];
    stack.script([{ chunks: ['one', a, ' ends'] }, { chunks: ['two', b, ' ends'] }]);
    const session = stack.newSession();
    const left = await browser.open(session);
    const right = await browser.open(session, { beside: left });
    const bothShow = (...lines: string[]) => Promise.all([left.shows(...lines), right.shows(...lines)]);
    await left.say('from the left');
    await bothShow('user: from the left', 'assistant: one');
    a.open();
    await bothShow('user: from the left', 'assistant: one ends');
    await Promise.all([left.answered(), right.answered()]);
    await right.say('from the right');
    await bothShow('user: from the left', 'assistant: one ends', 'user: from the right', 'assistant: two');
    await left.stopButton.click();
    const stopped = ({ page }: typeof left) => page.getByText('Stopped. What was said is kept.').waitFor();
    await Promise.all([stopped(left), stopped(right)]);
    const stored = await stack.stored.lines(session);
    expect(stored.at(-1)).toBe('assistant: two');
    await bothShow(...stored);
  });
});
