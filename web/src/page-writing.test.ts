// @vitest-environment happy-dom
import { act } from 'react';
import { describe, expect, it, vi } from 'vitest';
import { DEFAULT_CONTENT_BYTES } from '../../client/display.ts';
import type { ServerFrame } from '../../client/protocol.ts';
import { Story } from '../../client/testing/story.ts';
import { givenPage, type GivenPage as Page, runningStory } from '../testing/given-page.ts';
import { click, named, press, write } from '../testing/rendered.ts';

const sent = (page: Page) =>
  page.sent('message').map(({ content, delivery }) => [content, delivery ?? 'steer']);
const deliver = (name: string) => (page: Page) => {
  const label = [...page.root.querySelectorAll('.delivery label')].find(
    ({ textContent }) => textContent === name,
  );
  click(label?.querySelector('input') ?? document.body);
};
const problem = (page: Page) => page.texts('.composer-problem');
const rejected = (id: string, retryable = true): ServerFrame => ({
  type: 'error',
  code: 'STEERING_QUEUE_FULL',
  message: '',
  terminal: false,
  retryable,
  id,
});

describe('a message', () => {
  it('is sent by Enter, and not by Shift and Enter, by the Enter of an input method, nor where it is blank', async () => {
    const page = await givenPage();
    const field = page.field();
    write(field, 'hello');
    expect(press(field, 'Enter', { shiftKey: true }).defaultPrevented).toBe(false);
    press(field, 'Enter', { isComposing: true });
    press(field, 'Enter', { keyCode: 229 });
    await page.pass();
    expect(sent(page)).toEqual([]);
    expect(press(field, 'Enter').defaultPrevented).toBe(true);
    await page.pass();
    expect(sent(page)).toEqual([['hello', 'steer']]);
    expect(field.value).toBe('');
    await page.say(' \n ');
    expect([sent(page).length, page.button('Send').disabled]).toEqual([1, true]);
  });

  it('is delivered while it answers as was chosen for it: the next one steers again, also after the answer', async () => {
    const page = await givenPage({ story: runningStory() });
    deliver('Queue')(page);
    await page.say('later');
    await page.say('now');
    deliver('Now')(page);
    page.story.end('done');
    await page.deliver();
    await page.say('after');
    expect(sent(page)).toEqual([
      ['later', 'queue'],
      ['now', 'steer'],
      ['after', 'steer'],
    ]);
  });

  it.each([
    ['what the server has said', 300],
    ['the usual one', undefined],
  ])(
    'that is too long stays in the field, and says why, until it is short enough: the limit is %s',
    async (_, limit) => {
      const usual = new Story().sessionStart('lane-1').limits;
      const page = await givenPage(
        limit === undefined ? {} : { start: { limits: { ...usual, content_bytes: limit } } },
      );
      const most = limit ?? usual.content_bytes;
      expect(usual.content_bytes).toBeLessThanOrEqual(DEFAULT_CONTENT_BYTES);
      const text = '€'.repeat(Math.ceil(most / 3) + 1);
      await page.say(text);
      expect([sent(page), page.field().value, problem(page).length]).toEqual([[], text, 1]);
      await page.say('short');
      expect([sent(page), problem(page)]).toEqual([[['short', 'steer']], []]);
    },
  );

  it('waits for its acknowledgement, then for its turn; it can be withdrawn once', async () => {
    const page = await givenPage({ story: runningStory() });
    await page.say('more');
    const id = page.sent('message')[0]?.id ?? '';
    const note = () => page.texts('.message:last-of-type .note > span').at(-1);
    expect(note()).toBe('Sending…');
    // Of the one that was taken in.
    expect(page.buttons().filter((name) => name === 'Copy the message')).toHaveLength(1);
    await page.deliver({ type: 'accepted', id, turn_id: 'turn-2', placement: 'queued', position: 1 });
    expect(note()).toBe('Queued · 1 ahead');
    await page.deliver({ type: 'accepted', id, turn_id: 'turn-2', placement: 'queued', position: 0 });
    const withdraw = () => page.buttons().filter((name) => name.startsWith('Withdraw'));
    expect(withdraw()).toHaveLength(1);
    click(page.button('Withdraw “more”'));
    await page.pass();
    expect(withdraw()).toEqual([]);
    expect(note()).toBe('Withdrawing…');
    expect(page.sent('cancel')).toEqual([{ type: 'cancel', id }]);
    await page.deliver({ type: 'cancelled', ids: [id], reason: 'user' });
    expect(note()).toBe('Withdrawn');
    click(page.button('Dismiss “more”'));
    await page.pass();
    expect(page.texts('.bubble')).toEqual(['begin']);
  });

  it('that was not taken is sent again as it was to be delivered, in the place of the old one', async () => {
    const page = await givenPage({ story: runningStory() });
    deliver('Queue')(page);
    await page.say('one');
    await page.deliver(rejected(page.sent('message')[0]?.id ?? ''));
    expect(page.texts('.refusals')).toEqual([]);
    click(page.button('Send again “one”'));
    await page.pass();
    expect(sent(page)).toEqual([
      ['one', 'queue'],
      ['one', 'queue'],
    ]);
    expect(page.texts('.bubble')).toEqual(['begin', 'one']);
  });

  it('of two or more that were not taken, all are sent again, or dismissed', async () => {
    const page = await givenPage({ story: runningStory() });
    for (const text of ['one', 'two', 'three']) await page.say(text);
    await page.deliver(...page.sent('message').map(({ id = '' }) => rejected(id)));
    expect(page.texts('.refusals p')).toEqual(['3 messages were not taken.']);
    expect(page.texts('[aria-live]').join()).toContain('3 messages were not taken.');
    click(page.button('Send all again'));
    await page.pass();
    expect(
      sent(page)
        .slice(3)
        .map(([content]) => content),
    ).toEqual(['one', 'two', 'three']);
    expect(page.texts('.refusals')).toEqual([]);
    await page.deliver(
      ...page
        .sent('message')
        .slice(3)
        .map(({ id = '' }) => rejected(id)),
    );
    click(page.button('Dismiss all'));
    await page.pass();
    expect(page.texts('.bubble')).toEqual(['begin']);
  });
});

it('a message that is sent brings the end into view, wherever its user has read', async () => {
  const page = await givenPage({ story: runningStory() });
  const view = named(page.root, 'section', 'Conversation');
  Object.defineProperty(view, 'scrollHeight', { value: 1000 });
  Object.defineProperty(view, 'clientHeight', { value: 100 });
  const toEnd = () => page.texts('.to-end');
  act(() => {
    view.scrollTop = 10;
    view.dispatchEvent(new Event('scroll'));
  });
  expect(toEnd()).toEqual(['To the end ↓']);
  page.story.say(' and on');
  await page.deliver();
  expect([toEnd(), view.scrollTop]).toEqual([['New below ↓'], 10]);
  await page.say('more');
  expect([toEnd(), view.scrollTop]).toEqual([[], 1000]);
});

describe('an answer', () => {
  it('is stopped by Escape or its button, and by neither before it begins and after it ends', async () => {
    const page = await givenPage();
    press(document.body, 'Escape');
    page.story.begin(['m1']);
    page.story.say('Well');
    await page.deliver();
    press(document.body, 'Escape', { isComposing: true });
    await page.pass();
    expect(page.sent('abort')).toEqual([]);
    expect(page.button('Stop the answer').disabled).toBe(false);
    press(document.body, 'Escape');
    await page.pass();
    expect(page.sent('abort')).toHaveLength(1);
    expect(page.button('Stop the answer').disabled).toBe(true);
    page.story.end('aborted');
    await page.deliver();
    press(document.body, 'Escape');
    await page.pass();
    expect(page.sent('abort')).toHaveLength(1);
    expect(page.buttons()).not.toContain('Stop the answer');
    expect(page.texts('.turn-end')).toEqual(['Stopped. What was said is kept.']);
  });

  it('is stopped by no Escape of a page that was left', async () => {
    const page = await givenPage({ story: runningStory() });
    const socket = page.socket();
    await page.goTo('#session=other');
    press(document.body, 'Escape');
    await page.pass();
    expect(socket.sentOf('abort')).toEqual([]);
  });

  it('that failed says why, and is asked for again only where that can help: with the last message of its user', async () => {
    const story = runningStory('first');
    story.takeIn([{ id: 'm2', content: 'and then' }], 2);
    story.add({
      type: 'applied',
      messages: [{ id: 'a1', content: 'by the application', from: 'system' }],
      step: 3,
    });
    story.end('error');
    const page = await givenPage({ story: new Story() });
    page.story.events.push(...story.events);
    await page.deliver();
    expect(page.texts('.turn-failed p')).toEqual([
      'The answer ended early. gone',
      'What was said is kept.Ask againPROVIDER_ERROR',
    ]);
    click(page.button('Ask again'));
    await page.pass();
    expect(sent(page)).toEqual([['and then', 'steer']]);
  });

  it('that failed for good, with no word said, says so', async () => {
    const page = await givenPage();
    page.story.begin(['m1']);
    page.story.takeIn([{ id: 'm1', content: 'begin' }], 1);
    page.story.add({
      type: 'error',
      code: 'BUDGET_EXCEEDED',
      message: 'raw words',
      terminal: true,
      full_response: '',
      retryable: false,
    });
    await page.deliver();
    expect(page.texts('.turn-failed p')).toEqual([
      'There is no answer. What you may use today is used up.',
      'BUDGET_EXCEEDED',
    ]);
  });
});

describe('an image', () => {
  /** A picture of some bytes: its type is one that models take as it is. */
  const picture = (bytes: number, name = 'a.png', type = 'image/png') =>
    new File([new Uint8Array(bytes)], name, { type });
  const give = async (page: Page, kind: 'paste' | 'drop', files: File[]) => {
    const event = new Event(kind, { bubbles: true, cancelable: true });
    Object.assign(event, { [kind === 'paste' ? 'clipboardData' : 'dataTransfer']: { files } });
    act(() => void page.field().dispatchEvent(event));
    for (let turn = 0; turn < 4; turn++) await page.pass(1);
    return event.defaultPrevented;
  };
  const shown = (page: Page) => page.texts('.attachments li').length;

  it('is pasted or dropped, stands before the text in the message, and is gone after it', async () => {
    const page = await givenPage();
    expect(await give(page, 'paste', [])).toBe(false);
    expect(await give(page, 'paste', [picture(30)])).toBe(true);
    expect(await give(page, 'drop', [picture(60)])).toBe(true);
    expect(shown(page)).toBe(2);
    click(page.button('Remove image 1'));
    expect(shown(page)).toBe(1);
    await page.say('look');
    const [message] = page.sent('message');
    expect(message?.content).toEqual([
      { type: 'image', media_type: 'image/png', data: Buffer.alloc(60).toString('base64') },
      { type: 'text', text: 'look' },
    ]);
    expect(shown(page)).toBe(0);
    await page.say('again');
    expect(page.sent('message').at(-1)?.content).toBe('again');
    await give(page, 'drop', [picture(90)]);
    expect(shown(page)).toBe(1);
  });

  it('alone is a message', async () => {
    const page = await givenPage();
    write(page.field(), ' ');
    await give(page, 'drop', [picture(30)]);
    expect(page.button('Send').disabled).toBe(false);
    click(page.button('Send'));
    await page.pass();
    expect(page.sent('message')[0]?.content).toEqual([expect.objectContaining({ type: 'image' })]);
  });

  it('that is taken out while another one is made ready stays out', async () => {
    const page = await givenPage();
    await give(page, 'drop', [picture(30)]);
    const bytes = Promise.withResolvers<ArrayBuffer>();
    await give(page, 'drop', [Object.assign(picture(60), { arrayBuffer: () => bytes.promise })]);
    write(page.field(), 'look');
    expect(page.button('Send').disabled).toBe(true);
    click(page.button('Remove image 1'));
    bytes.resolve(new ArrayBuffer(60));
    await page.pass();
    await page.say('look');
    expect(page.sent('message')[0]?.content).toMatchObject([
      { data: Buffer.alloc(60).toString('base64') },
      { text: 'look' },
    ]);
  });

  it('that the browser cannot read is refused in words, and the text can be sent', async () => {
    vi.stubGlobal('createImageBitmap', async () => {
      throw new Error('no image');
    });
    const page = await givenPage();
    write(page.field(), 'text');
    await give(page, 'drop', [picture(10, 'a.bmp', 'image/bmp')]);
    expect(problem(page)).toEqual(['This file is no image that the browser can read.']);
    expect([shown(page), page.button('Send').disabled]).toEqual([0, false]);
  });

  it('leaves room for the text, by its bytes, and for the others', async () => {
    // The first fits as it is; of two, each may have half of the room, and none of them fits any more.
    vi.stubGlobal('createImageBitmap', async () => {
      throw new Error('no image');
    });
    const limit = 4096;
    const usual = new Story().sessionStart('lane-1').limits;
    const fits = async (texts: string, ...bytes: number[]) => {
      const page = await givenPage({ start: { limits: { ...usual, content_bytes: limit } } });
      write(page.field(), texts);
      for (const size of bytes) await give(page, 'drop', [picture(size)]);
      const count = shown(page);
      page.unmount();
      return count;
    };
    // Base64 of the room beside 1,024 bytes for text and 64 of the part: 3,008 characters, 2,256 bytes.
    expect([await fits('', 2256), await fits('', 2257)]).toEqual([1, 0]);
    // 2,000 bytes of text are 667 euro signs: 2,031 characters for the image.
    expect([await fits('€'.repeat(667), 1521), await fits('€'.repeat(667), 1524)]).toEqual([1, 0]);
    // Two have 1,472 characters each: 1,104 bytes.
    expect([await fits('', 1104, 1104), await fits('', 1104, 1105)]).toEqual([2, 1]);
  });
});
