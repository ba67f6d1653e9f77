// @vitest-environment happy-dom
import { act } from 'react';
import { describe, expect, it, vi } from 'vitest';
import type { ClientFrame, FrameOf, ServerFrame } from '../../client/protocol.ts';
import type { Story } from '../../client/testing/story.ts';
import { type GivenPage, givenPage, runningStory } from '../testing/given-page.ts';
import { click, named, press, write } from '../testing/rendered.ts';

describe('a call of a tool', () => {
  const stateOf = (page: GivenPage) => page.texts('.tool-state').join();
  const ask = (story: Story, more: { always?: boolean } = {}) =>
    story.add({
      type: 'approval_request',
      request_id: 'r1',
      tool_call_id: 'c1',
      tool: 'wait',
      arguments_summary: '{}',
      timeout_secs: 120,
      at: Date.now(),
      ...more,
    });

  it('waits for its user, who allows it once: it runs, and has its result', async () => {
    const page = await givenPage({ story: runningStory() });
    page.story.call('c1');
    await page.deliver();
    expect(stateOf(page)).toBe('running');
    ask(page.story, { always: false });
    await page.deliver();
    expect(stateOf(page)).toBe('waits for you');
    expect(page.texts('.time-left')).toEqual(['in 2:00']);
    await page.pass(1000);
    expect(page.texts('.time-left')).toEqual(['in 1:59']);
    expect(page.texts('.approval-always')).toEqual([]);
    click(page.button('Approve'));
    await page.pass();
    expect(page.texts('.approval [role="status"]')).toEqual(['Answering…']);
    expect(page.sent('approval_response')).toEqual([
      { type: 'approval_response', request_id: 'r1', decision: 'approve' },
    ]);
    page.story.resolve('r1', 'approve', 'user');
    await page.deliver();
    expect([stateOf(page), page.texts('.approval')]).toEqual(['running', []]);
    page.story.result('c1');
    await page.deliver();
    expect(stateOf(page)).toBe('done');
    expect(page.texts('.tool dt')).toEqual(['Arguments', 'Approval', 'Result']);
    expect(page.texts('.tool dd')[1]).toBe('Approved');
  });

  it.each([
    ['denied', 'deny', 'answer', 'Denied'],
    ['too late', 'deny', 'timeout', 'Not run: nobody answered in time'],
    ['stopped', 'deny', 'aborted', 'Not run: the turn was stopped'],
  ] as const)('was not run: %s', async (_, decision, reason, words) => {
    const story = runningStory();
    story.call('c1');
    ask(story);
    story.add({ type: 'approval_resolved', request_id: 'r1', decision, reason, by: 'user' });
    story.add({ type: 'tool_result', id: 'c1', name: 'wait', output: 'no', is_error: true });
    const page = await givenPage({ story });
    expect([stateOf(page), page.texts('.tool dd')[1]]).toEqual(['not run', words]);
  });

  it('is not finished where its turn ended before, and nobody can answer what it asked', async () => {
    const story = runningStory();
    story.call('c1');
    ask(story);
    const page = await givenPage({ story });
    story.end('error');
    await page.deliver();
    expect(stateOf(page)).toBe('not finished');
    expect(page.texts('.approval [role="status"]')).toEqual(['Nobody answered.']);
    expect(page.buttons()).not.toContain('Approve');
  });

  it('is approved for always where that is offered; that is revoked one by one, or all at once', async () => {
    const page = await givenPage({ story: runningStory(), start: { trusted: ['wait', 'pay:Ann\u202e'] } });
    page.story.call('c1');
    ask(page.story);
    await page.deliver();
    click(page.button('Always approve'));
    expect(page.texts('.trusts summary')).toEqual(['2 approvals are for always']);
    expect(page.texts('.trusts code').join()).not.toContain('\u202e');
    click([...page.root.querySelectorAll<HTMLElement>('.trusts button')][1] ?? page.root);
    await page.pass();
    click(page.button('Ask again about all'));
    await page.pass();
    expect(page.sent('approval_response').map(({ decision }) => decision)).toEqual(['always']);
    expect(page.sent('revoke')).toMatchObject([{ trust: 'pay:Ann\u202e' }, { type: 'revoke' }]);
    expect(page.sent('revoke').at(-1)?.trust).toBeUndefined();
  });

  it('shows no secret in its line, and says how much of a result was cut', async () => {
    const story = runningStory();
    const args = { card: '4111111111111111' };
    story.add({ type: 'tool_call', id: 'c1', name: 'pay', args });
    story.add({ type: 'tool_progress', id: 'c1', name: 'pay', output: 'half' });
    const page = await givenPage({ story });
    expect(page.texts('.tool-brief')).toEqual(['half']);
    expect(page.texts('.tool dt')).toEqual(['Arguments', 'So far']);
    story.add({
      type: 'tool_result',
      id: 'c1',
      name: 'pay',
      output: 'cut',
      truncated: true,
      output_length: 12_345,
    });
    await page.deliver();
    expect(page.texts('.tool-brief')).toEqual(['card: ••••1111']);
    expect(page.texts('.tool dt')).toEqual(['Arguments', 'Result (shortened, of 12,345 characters)']);
  });
});

describe('a question of an MCP server', () => {
  const question = {
    type: 'elicitation_request' as const,
    request_id: 'q1',
    tool_call_id: 'c1',
    tool: 'borrow',
    server: 'books',
    mode: 'form' as const,
    message: 'For whom?',
    timeout_secs: 60,
    at: Date.now(),
    fields: [
      { name: 'name', type: 'string' as const, required: true as const },
      { name: 'days', type: 'integer' as const, max: 30 },
    ],
  };
  const given = async (
    answer: (frame: FrameOf<'elicitation_answer'> | ClientFrame) => ServerFrame[] | undefined = () =>
      undefined,
  ) => {
    const page = await givenPage({
      story: runningStory(),
      answers: (frame) => (frame.type === 'elicitation_answer' ? answer(frame) : undefined),
    });
    page.story.call('c1');
    page.story.add(question);
    await page.deliver();
    const field = (name: string) =>
      page.root.querySelector<HTMLInputElement>(`.question [name="${name}"]`) as HTMLInputElement;
    const send = async () => {
      act(
        () =>
          void field('field-0').form?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true })),
      );
      await page.pass();
    };
    const answers = () => page.sent('elicitation_answer').map(({ action, content }) => [action, content]);
    return { page, field, send, answers };
  };

  it('says which value does not fit, at its field, and sends nothing until all fit', async () => {
    const { page, field, send, answers } = await given();
    await send();
    expect([field('field-0').getAttribute('aria-invalid'), document.activeElement]).toEqual([
      'true',
      field('field-0'),
    ]);
    write(field('field-0'), 'Ann');
    write(field('field-1'), '31');
    await send();
    expect([field('field-0'), field('field-1')].map((one) => one.getAttribute('aria-invalid'))).toEqual([
      'false',
      'true',
    ]);
    expect(answers()).toEqual([]);
    write(field('field-1'), '30');
    await send();
    expect(answers()).toEqual([['accept', { name: 'Ann', days: 30 }]]);
    expect(page.button('Send').disabled).toBe(true);
    expect(page.texts('.question [role="status"]')).toEqual(['Answering…']);
    expect([page.texts('.question [role="alert"]'), field('field-1').getAttribute('aria-invalid')]).toEqual([
      [],
      'false',
    ]);
    page.story.add({
      type: 'elicitation_resolved',
      request_id: 'q1',
      action: 'accept',
      reason: 'answer',
    });
    await page.deliver();
    expect(page.texts('.question')).toEqual([]);
  });

  it.each([
    ['Decline', 'decline'],
    ['Not now', 'cancel'],
  ])('is answered by “%s” with nothing of the form', async (button, action) => {
    const { page, field, answers } = await given();
    write(field('field-0'), 'Ann');
    click(named(page.root, '.question button', button));
    await page.pass();
    expect(answers()).toEqual([[action, undefined]]);
  });

  it('whose answer the server refuses says why, and can be answered again', async () => {
    const { page, field, send, answers } = await given((frame) => [
      {
        type: 'error',
        code: 'INVALID_FRAME',
        message: 'It is too long.',
        terminal: false,
        retryable: false,
        id: 'id' in frame ? frame.id : '',
      } as ServerFrame,
    ]);
    write(field('field-0'), 'Ann');
    await send();
    expect(page.texts('.question [role="alert"]')).toEqual(['It is too long.']);
    expect(named(page.root, '.question button', 'Send').hasAttribute('disabled')).toBe(false);
    await send();
    expect(answers()).toHaveLength(2);
  });
});

const said = (page: GivenPage) =>
  page.sent('message').map(({ content, delivery }) => [content, delivery ?? 'steer']);

describe('another conversation, which goes on from before a message', () => {
  let answers = true;
  const forked =
    (refused: boolean) =>
    (frame: ClientFrame): ServerFrame[] | undefined => {
      if (frame.type !== 'fork') return undefined;
      if (!answers) return [];
      const { session_id = '' } = frame;
      return refused
        ? [
            {
              type: 'error',
              code: 'FORK_TOO_LARGE',
              message: 'It is too long.',
              terminal: false,
              retryable: false,
              session_id,
            },
          ]
        : [{ type: 'forked', session_id, from: 's', message_count: 0 } as unknown as ServerFrame];
    };
  const asked = (refused = false) => {
    const story = runningStory('tea');
    story.takeIn([{ id: 'm2', content: 'or coffee' }], 2);
    story.end('done');
    return givenPage({ story, answers: forked(refused) });
  };

  it('an answer is given again there: its last message is asked, once, and this one stays as it is', async () => {
    const page = await asked();
    click(page.button('Answer again in a new conversation'));
    await page.pass();
    const [fork] = page.sent('fork');
    expect(fork).toMatchObject({ from: 's', before: 'm2' });
    expect(location.hash).toBe(`#session=${fork?.session_id}`);
    expect(said(page)).toEqual([['or coffee', 'steer']]);
    await page.goTo('#session=s');
    await page.goTo(`#session=${fork?.session_id}`);
    expect(page.sent('message').filter(({ id }) => id === page.sent('message')[0]?.id)).toHaveLength(
      said(page).length,
    );
  });

  it('an edited message is asked there; Escape leaves it, and stops nothing', async () => {
    const page = await asked();
    const edit = () => page.button('Edit and ask in a new conversation: “tea”');
    const editor = () =>
      named(page.root, 'textarea', 'Another wording of the message') as HTMLTextAreaElement;
    click(edit());
    expect(editor().value).toBe('tea');
    const heard = vi.fn();
    document.body.addEventListener('keydown', heard, { once: true });
    press(editor(), 'Escape');
    expect(edit().getAttribute('aria-expanded')).toBe('false');
    expect(document.activeElement).toBe(edit());
    click(edit());
    write(editor(), ' \n');
    press(editor(), 'Enter');
    await page.pass();
    expect(page.sent('fork')).toEqual([]);
    write(editor(), 'cocoa');
    press(editor(), 'Enter', { shiftKey: true });
    press(editor(), 'Enter', { isComposing: true });
    await page.pass();
    expect(page.sent('fork')).toEqual([]);
    press(editor(), 'Enter');
    await page.pass();
    expect(page.sent('fork')[0]).toMatchObject({ from: 's', before: 'm1' });
    expect(said(page)).toEqual([['cocoa', 'steer']]);
  });

  it('that is refused is said, until the next message is sent', async () => {
    const page = await asked(true);
    click(page.button('Answer again in a new conversation'));
    await page.pass();
    expect(page.texts('.composer-problem')).toEqual(['There is no new conversation: It is too long.']);
    expect(location.hash).toBe('#session=s');
    await page.say('so be it');
    expect(page.texts('.composer-problem')).toEqual([]);
    click(page.button('Answer again in a new conversation'));
    await page.pass();
    expect(page.texts('.composer-problem')).toHaveLength(1);
    answers = false;
    click(page.button('Answer again in a new conversation'));
    await page.pass();
    expect(page.texts('.composer-problem')).toEqual([]);
  });

  it('says where it goes on from, and the session of that one alone', async () => {
    let lets = true;
    const forked_from = { session_id: 'origin', entries: 2 } as never;
    const page = await givenPage({ start: { forked_from }, lets: () => lets });
    const links = () =>
      [...page.root.querySelectorAll('.earlier a')].map((link) => link.getAttribute('href'));
    expect(links()).toEqual(['#session=origin']);
    lets = false;
    await page.goTo('#session=other');
    expect(links()).toEqual([]);
  });
});
