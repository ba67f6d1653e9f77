import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

describeInBrowser('Steering on the page', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  it('what is written in mid-answer is accepted, then stands in the answer where it was taken in', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate, ' ends'] }, { chunks: ['final answer'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: draft');
    await chat.say('second');
    await chat.shows('user: first', 'assistant: draft', 'user, Accepted · steers at the next step: second');
    gate.open();
    await chat.shows('user: first', 'assistant: draft ends', 'user: second', 'assistant: final answer');
    await chat.notes('second', 'Taken in at step 2');
    await chat.answered();
    expect(await chat.lines()).toEqual(await stack.stored.lines(session));
  });

  it('what is written before a tool batch stands after its results', async () => {
    const gate = createGate();
    stack.script([
      { chunks: ['Let me see.', gate], toolCalls: [{ name: 'current_time', args: {} }] },
      { chunks: ['Both done.'] },
    ]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: Let me see.');
    await chat.say('and this');
    await chat.notes('and this', /^Accepted/);
    gate.open();
    await chat.shows(
      'user: first',
      'assistant: Let me see.',
      'tool_call: current_time',
      'tool_result: current_time',
      'user: and this',
      'assistant: Both done.',
    );
    await chat.answered();
    expect(await chat.lines()).toEqual(await stack.stored.lines(session));
  });

  it('a queued message waits for the end, and has an answer of its own', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }, { chunks: ['second answer'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: draft');
    await chat.say('second', 'Queue');
    await chat.shows('user: first', 'assistant: draft', 'user, Queued · next turn: second');
    gate.open();
    await chat.shows('user: first', 'assistant: draft', 'user: second', 'assistant: second answer');
    expect(await chat.page.getByRole('article', { name: 'Answer' }).count()).toBe(2);
    await chat.answered();
    expect(await chat.lines()).toEqual(await stack.stored.lines(session));
  });

  it('a message that cuts in stands after what was said until then', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate, ' never said'] }, { chunks: ['at once'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: draft');
    await chat.say('second', 'Now');
    await chat.shows('user: first', 'assistant: draft', 'user: second', 'assistant: at once');
    await chat.answered();
    expect(await chat.lines()).toEqual(await stack.stored.lines(session));
  });

  it('a message withdrawn in time is not taken in', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate, ' ends'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: draft');
    await chat.say('second');
    await chat.notes('second', /^Accepted/);
    await chat.page.getByRole('button', { name: 'Withdraw “second”' }).click();
    await chat.shows('user: first', 'assistant: draft', 'user, Withdrawn: second');
    gate.open();
    await chat.shows('user: first', 'assistant: draft ends', 'user, Withdrawn: second');
    await chat.answered();
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: draft ends']);
  });

  it.each(['button', 'Escape'])('stopped by %s: what was said stands, and one can go on', async (by) => {
    stack.script([{ chunks: ['half', createGate(), ' never said'] }, { chunks: ['whole'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: half');
    if (by === 'button') await chat.stopButton.click();
    else await chat.page.keyboard.press('Escape');
    await chat.page.getByText('Stopped. What was said is kept.').waitFor();
    await chat.stopButton.waitFor({ state: 'detached' });
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: half']);
    await chat.say('again');
    await chat.shows('user: first', 'assistant: half', 'user: again', 'assistant: whole');
    await chat.answered();
    expect(await chat.lines()).toEqual(await stack.stored.lines(session));
  });

  it('an answer that fails keeps what was said, says so, and one can go on', async () => {
    stack.script([{ chunks: ['half'], cutAfter: 1 }, { chunks: ['whole'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('first');
    await chat.page.getByText('The answer ended early.').first().waitFor();
    await chat.shows('user: first', 'assistant: half');
    await chat.page.getByRole('button', { name: 'Ask again' }).click();
    await chat.shows('user: first', 'assistant: half', 'user: first', 'assistant: whole');
    await chat.answered();
    expect(await chat.page.getByRole('button', { name: 'Ask again' }).count()).toBe(0);
    expect(await chat.lines()).toEqual(await stack.stored.lines(session));
  });
});
