// @vitest-environment happy-dom
import { act } from 'react';
import { describe, expect, it, vi } from 'vitest';
import type { ServerFrame } from '../../client/protocol.ts';
import { type GivenPage, givenPage, runningStory } from '../testing/given-page.ts';
import { click, press, write } from '../testing/rendered.ts';

const banner = (page: GivenPage) => page.texts('.banner strong');
const online = (page: GivenPage) => page.texts('.status span').join();
const addressOf = (page: GivenPage, at = -1) => {
  const socket = page.sockets.at(at);
  return socket ? new URL(socket.url) : undefined;
};

describe('the connection', () => {
  it('that is lost is told after 700 ms, and not when it is back before', async () => {
    let lets = true;
    const page = await givenPage({ lets: () => lets });
    const lose = async (ms: number) => {
      lets = false;
      act(() => page.socket().cut());
      await page.pass(20);
      await page.pass(ms);
    };
    await lose(600);
    expect(banner(page)).toEqual([]);
    await page.pass(150);
    expect(banner(page)).toEqual(['Reconnecting…']);
    lets = true;
    await page.pass(60_000);
    expect([banner(page), online(page)]).toEqual([[], 'Connected']);
    // Each loss is waited for anew.
    await lose(600);
    expect(banner(page)).toEqual([]);
    lets = true;
    await page.pass(60_000);
    await lose(300);
    expect(banner(page)).toEqual([]);
  });

  it('that was there before asks for a token after four handshakes that fail, and not before', async () => {
    let lets = true;
    const page = await givenPage({ lets: () => lets });
    const first = page.sockets.length;
    lets = false;
    act(() => page.socket().cut());
    const asks = () => page.texts('.token-form').length > 0;
    const seen: [number, boolean][] = [];
    for (let n = 0; n < 400 && !asks(); n++) {
      await page.pass(250);
      seen.push([page.sockets.length - first, asks()]);
    }
    expect(seen.at(-1)?.[1]).toBe(true);
    expect(seen.filter(([failed]) => failed < 3).map(([, asked]) => asked)).not.toContain(true);
    expect(seen.at(-1)?.[0]).toBeLessThanOrEqual(4);
    click(page.button('More'));
    click(page.button('Cut the connection'));
    await page.pass();
    expect([banner(page), asks()]).toEqual([['Connection cut.'], false]);
    lets = true;
    click(page.button('Reconnect'));
    await page.pass(1000);
    expect(online(page)).toBe('Connected');
    lets = false;
    act(() => page.socket().cut());
    await page.pass(1500);
    // A loss of its own: those of before do not count.
    expect([banner(page), asks()]).toEqual([['Reconnecting…'], false]);
  });

  it('that was never there asks for a token, which goes to its server alone, is kept in this tab, and counts from the next handshake on', async () => {
    let lets = false;
    const page = await givenPage({ lets: () => lets });
    await page.pass(1500);
    expect(banner(page)).toEqual(['No connection yet.']);
    const field = page.root.querySelector<HTMLInputElement>('.token-form input');
    if (!field) throw new Error('No token is asked for.');
    const submit = () =>
      act(() => void field.form?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true })));
    write(field, '  ');
    submit();
    expect(Object.keys({ ...sessionStorage })).not.toContain('midturn:token:wss://example.test/prod');
    lets = true;
    write(field, ' secret ');
    submit();
    await page.pass();
    expect(online(page)).toBe('Connected');
    expect(page.sockets.at(-1)?.protocols.join()).toBe('midturn.v1,bearer.secret');
    expect(JSON.stringify(Object.entries(localStorage))).not.toContain('secret');
    expect(Object.entries(sessionStorage)).toContainEqual([
      'midturn:token:wss://example.test/prod',
      'secret',
    ]);
    expect(location.href).not.toContain('secret');
  });

  it('that its reader has cut is told at once, offers no token, and is back when they say so', async () => {
    const page = await givenPage();
    const choose = (item: string) => {
      click(page.button('More'));
      click(page.button(item));
    };
    choose('Cut the connection');
    await page.pass(20);
    expect([banner(page), online(page)]).toEqual([['Connection cut.'], 'Cut off']);
    await page.pass(120_000);
    expect([page.sockets.length, page.texts('.token-form')]).toEqual([1, []]);
    await page.say('kept for later');
    // In this tab: two tabs of a session have a lane each.
    expect(JSON.stringify(Object.entries(sessionStorage))).toContain('kept for later');
    expect(Object.keys({ ...localStorage })).toEqual(['midturn:sessions']);
    choose('Connect again');
    await page.pass();
    expect([banner(page), online(page)]).toEqual([[], 'Connected']);
    expect(page.sent('message').map(({ content }) => content)).toEqual(['kept for later']);
    choose('Cut the connection');
    await page.pass(20);
    click(page.button('Reconnect'));
    await page.pass();
    expect(online(page)).toBe('Connected');
  });
});

describe('what the server refuses of no message', () => {
  const unasked = (code: 'INVALID_FRAME' | 'SESSION_DELETED' = 'INVALID_FRAME'): ServerFrame =>
    ({ type: 'error', code, message: 'What is this?', terminal: false, retryable: false }) as ServerFrame;

  it('is said until the next message is sent, and in no other session', async () => {
    const page = await givenPage();
    await page.deliver(unasked());
    expect(page.texts('.composer-problem')).toEqual(['The server refused something: What is this?']);
    await page.say('well');
    expect(page.texts('.composer-problem')).toEqual([]);
    await page.deliver(unasked());
    expect(page.texts('.composer-problem')).toHaveLength(1);
    await page.goTo('#session=other');
    expect(page.texts('.composer-problem')).toEqual([]);
  });
});

describe('the agent of a conversation', () => {
  const agents = ['cook', 'clerk'];
  const radio = (page: GivenPage, name: string) => {
    const labels = [...page.root.querySelectorAll('.agent-choice label')];
    return labels.find(({ textContent }) => textContent === name)?.querySelector('input') ?? undefined;
  };
  const choose = async (page: GivenPage, name: string) => {
    act(() => radio(page, name)?.click());
    await page.pass();
  };
  const asked = (page: GivenPage) =>
    addressOf(page)?.searchParams.get('agent') ?? page.socket().sentOf('connect')[0]?.agent;

  it('is asked for as it was chosen, also after a reload, in this session alone, until the choice is taken back', async () => {
    const page = await givenPage({ start: { agents } });
    expect(asked(page)).toBeUndefined();
    await choose(page, 'clerk');
    expect([asked(page), radio(page, 'clerk')?.checked]).toEqual(['clerk', true]);
    page.unmount();
    const again = await givenPage({ start: { agents } });
    expect([asked(again), radio(again, 'clerk')?.checked]).toEqual(['clerk', true]);
    await again.goTo('#session=other');
    expect([asked(again), radio(again, 'Whoever fits')?.checked]).toEqual([undefined, true]);
    await again.goTo('#session=s');
    await choose(again, 'Whoever fits');
    expect(asked(again)).toBeUndefined();
    again.unmount();
    expect(asked(await givenPage({ start: { agents } }))).toBeUndefined();
  });

  it('is not asked for any more where the session has another one', async () => {
    const page = await givenPage({ start: { agents } });
    await choose(page, 'clerk');
    page.unmount();
    const again = await givenPage({ start: { agents, agent: 'cook' } });
    await again.pass();
    expect([asked(again), again.texts('.agent-name')]).toEqual([undefined, ['cook']]);
    expect(again.texts('.agent-choice')).toEqual([]);
  });

  it('is no choice where there is one alone', async () => {
    expect((await givenPage({ start: { agents: ['cook'] } })).texts('.agent-choice')).toEqual([]);
  });
});

describe('a long answer', () => {
  const notices: [string, { body: string }, { onclick?: () => void; close: () => void }][] = [];
  const closed = vi.fn();
  const given = async (permission = 'default') => {
    notices.length = 0;
    closed.mockClear();
    const asked = vi.fn(async () => 'granted');
    class Notice {
      static permission = permission;
      static requestPermission = asked;
      constructor(title: string, how: { body: string }) {
        notices.push([title, how, this]);
      }
      close = closed;
    }
    vi.stubGlobal('Notification', Notice);
    const page = await givenPage({ story: runningStory('Tell me') });
    const hide = (isHidden: boolean) => vi.spyOn(document, 'hidden', 'get').mockReturnValue(isHidden);
    return { page, asked, hide };
  };
  const offer = (page: GivenPage) => page.texts('.notice-offer p').length;

  it('offers after 20 s to tell of its end, once: the answer is kept, and only a yes asks the browser', async () => {
    for (const [button, asks] of [
      ['Yes', 1],
      ['No', 0],
    ] as const) {
      localStorage.clear();
      const { page, asked } = await given();
      await page.pass(19_800);
      expect(offer(page)).toBe(0);
      await page.pass(300);
      expect(offer(page)).toBe(1);
      click(page.button(button));
      expect([offer(page), asked.mock.calls.length]).toEqual([0, asks]);
      page.unmount();
      const again = await given();
      await again.page.pass(20_100);
      expect(offer(again.page)).toBe(0);
      again.page.unmount();
    }
  });

  it('is not offered where the browser was told before, nor for an answer that ended', async () => {
    const denied = await given('denied');
    await denied.page.pass(20_100);
    expect(offer(denied.page)).toBe(0);
    denied.page.unmount();
    const { page } = await given();
    page.story.end('done');
    await page.deliver();
    await page.pass(20_100);
    expect(offer(page)).toBe(0);
  });

  it('in which a server asks something is told of too', async () => {
    const { page, hide } = await given('granted');
    hide(true);
    await page.pass(20_100);
    page.story.add({
      type: 'elicitation_request',
      request_id: 'q1',
      tool_call_id: 'c1',
      tool: 'borrow',
      server: 'books',
      mode: 'form',
      message: 'For whom?',
      timeout_secs: 60,
      fields: [],
    });
    await page.deliver();
    expect(notices.map(([, { body }]) => body)).toEqual(['books asks you something.']);
  });

  it('that ends, or asks for something, in a hidden page is told once, with the title; a short one, or a seen one, is not', async () => {
    const { page, hide } = await given('granted');
    hide(true);
    await page.pass(20_100);
    page.story.say(' and on');
    await page.deliver();
    expect(notices).toEqual([]);
    page.story.call('c1');
    page.story.ask('r1');
    await page.deliver();
    expect(notices.map(([title, { body }]) => [title, body])).toEqual([
      ['Tell me', 'order asks for your approval.'],
    ]);
    page.story.resolve('r1', 'deny', 'user');
    page.story.end('done');
    await page.deliver();
    expect(notices.map(([, { body }]) => body)).toEqual([
      'order asks for your approval.',
      'The answer is complete.',
    ]);
    const focused = vi.spyOn(window, 'focus');
    notices[1]?.[2].onclick?.();
    expect([focused.mock.calls.length, closed.mock.calls.length]).toEqual([1, 1]);
    // A short one.
    page.story.begin(['m2']);
    await page.deliver();
    page.story.end('done');
    await page.deliver();
    hide(false);
    page.story.begin(['m3']);
    await page.deliver();
    await page.pass(20_100);
    page.story.end('done');
    await page.deliver();
    expect(notices).toHaveLength(2);
  });
});

it('a text is copied as it was written, which the button says for a moment', async () => {
  const copied: string[] = [];
  let denies = false;
  const clipboard = {
    writeText: async (text: string) =>
      denies ? Promise.reject(new Error('denied')) : void copied.push(text),
  };
  vi.spyOn(navigator, 'clipboard', 'get').mockReturnValue(clipboard as Clipboard);
  const story = runningStory('**tea**');
  story.call('c1');
  story.result('c1');
  story.say('and *on*');
  story.end('done');
  const page = await givenPage({ story });
  click(page.button('Copy the answer'));
  await page.pass(10);
  await page.pass(1400);
  expect(page.buttons()).toContain('Copied');
  click(page.button('Copy the message'));
  await page.pass(10);
  expect(copied).toEqual(['Well\n\nand *on*', '**tea**']);
  expect(page.buttons()).toContain('Copied');
  await page.pass(1600);
  expect(page.buttons()).not.toContain('Copied');
  denies = true;
  click(page.button('Copy the message'));
  await page.pass(10);
  expect(page.buttons()).not.toContain('Copied');
});

it('the colours are those of the system, then dark, then light, and as they were chosen after a reload', async () => {
  const page = await givenPage();
  const chosen = () => [document.documentElement.dataset.theme, localStorage.getItem('midturn:theme')];
  expect(chosen()).toEqual([undefined, null]);
  click(page.button('Colours: as the system. Change'));
  expect(chosen()).toEqual(['dark', 'dark']);
  click(page.button('Colours: dark. Change'));
  expect(chosen()).toEqual(['light', 'light']);
  page.unmount();
  const again = await givenPage();
  click(again.button('Colours: light. Change'));
  expect(chosen()).toEqual([undefined, null]);
});

it('the menu is closed by Escape, which stops no answer, and by a press elsewhere', async () => {
  const page = await givenPage({ story: runningStory() });
  const isOpen = () => page.button('More').getAttribute('aria-expanded') === 'true';
  for (const close of ['Escape', 'elsewhere', 'inside'] as const) {
    click(page.button('More'));
    expect(isOpen()).toBe(true);
    if (close === 'Escape') press(page.button('More'), 'Escape');
    else {
      const on = close === 'inside' ? page.button('Raw frames') : page.field();
      act(() => void on.dispatchEvent(new Event('pointerdown', { bubbles: true })));
    }
    expect(isOpen()).toBe(close === 'inside');
  }
  await page.pass();
  expect(page.sent('abort')).toEqual([]);
});

it('the raw frames are counted from the first one, and the last 300 are kept', async () => {
  const page = await givenPage();
  click(page.button('More'));
  click(page.button('Raw frames'));
  const before = Number(page.texts('.frames header p')[0]?.split(' ')[0]);
  expect(before).toBeGreaterThan(2);
  expect(page.texts('.frames strong').slice(0, 2)).toEqual(['connect', 'session_start']);
  await page.deliver({ type: 'pong' });
  expect(page.texts('.frames header p')).toEqual([`${before + 1} so far`]);
  expect(page.texts('.frames strong').at(-1)).toBe('pong');
});

it('a page that was left listens to nothing, waits for nothing and has no connection', async () => {
  const heard = new Set<string>();
  const keep = (target: EventTarget, name: string) => {
    const [add, remove] = [target.addEventListener, target.removeEventListener];
    const numbers = new Map<unknown, number>();
    const keyOf = (type: string, listener: unknown) => {
      const number = numbers.get(listener) ?? numbers.size;
      numbers.set(listener, number);
      return `${name} ${type} ${number}`;
    };
    vi.spyOn(target, 'addEventListener').mockImplementation(function (
      this: EventTarget,
      type,
      listener,
      how,
    ) {
      heard.add(keyOf(type, listener));
      add.call(target, type, listener, how);
    });
    vi.spyOn(target, 'removeEventListener').mockImplementation(function (
      this: EventTarget,
      type,
      listener,
      how,
    ) {
      heard.delete(keyOf(type, listener));
      remove.call(target, type, listener, how);
    });
  };
  keep(window, 'window');
  keep(document, 'document');
  const story = runningStory();
  story.call('c1');
  story.ask('r1');
  const page = await givenPage({ story });
  click(page.button('More'));
  await page.pass(25_000);
  expect(heard.size).toBeGreaterThan(5);
  page.unmount();
  await page.pass(1000);
  // React hears of selections once for all of its roots.
  expect([...heard].filter((one) => !one.includes('selectionchange'))).toEqual([]);
  expect(page.sockets.map(({ readyState }) => readyState)).toEqual([3]);
  await page.pass(120_000);
  expect([vi.getTimerCount(), page.sockets.length]).toEqual([0, 1]);
});
