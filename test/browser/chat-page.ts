import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { LONG_WAIT_MS } from '../support/timeouts.ts';

/** The page as its reader sees and uses it. */
export interface ChatPage {
  readonly page: Page;
  /** Errors and warnings on the console, and exceptions that nobody caught. */
  readonly complaints: readonly string[];
  readonly field: Locator;
  readonly stopButton: Locator;
  /** Writes a message as a person does, with Enter. */
  say(content: string, delivery?: 'Steer' | 'Queue' | 'Now'): Promise<void>;
  /**
   * What stands in the conversation, from top to bottom, in the words of the stored transcript (`user: first`,
   * `assistant: draft`, `tool_call: wait`, `tool_result: wait`); a message that is not in it with its state:
   * `user, Sending…: second`.
   */
  lines(): Promise<string[]>;
  /** Waits until exactly this stands there. */
  shows(...lines: string[]): Promise<void>;
  /** Waits until this is said under this message about its state. */
  notes(content: string, note: string | RegExp): Promise<void>;
  /** Waits until so many messages are in this state. */
  counts(state: 'accepted' | 'applied' | 'rejected', messages: number): Promise<void>;
  /** Messages whose fate is open. */
  pending(): Promise<number>;
  /** Messages that were not taken. */
  refused(): Promise<number>;
  /** Waits until all messages are taken in or refused, and their answer is over. */
  answered(): Promise<void>;
  reload(): Promise<void>;
  /** Chooses this in the page's menu. */
  choose(item: string): Promise<void>;
  /** The page's own switch. */
  cut(): Promise<void>;
  connectAgain(): Promise<void>;
}

export interface OpenOptions {
  /** What the browser itself says of a network that fails, in tests that make it fail. */
  expects?: RegExp;
  /** False: the server is not expected to let the page in. */
  connects?: boolean;
}

export async function openChat(
  page: Page,
  url: string,
  sessionId: string,
  { expects, connects = true }: OpenOptions = {},
): Promise<ChatPage> {
  const complaints: string[] = [];
  page.setDefaultTimeout(LONG_WAIT_MS);
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type()) || expects?.test(message.text())) return;
    complaints.push(message.text());
  });
  const conversation = page.getByRole('region', { name: 'Conversation' });
  const field = page.getByRole('textbox', { name: /^Message/ });
  const stopButton = page.getByRole('button', { name: 'Stop the answer' });
  const isConnected = () => page.getByText('Connected', { exact: true }).waitFor();
  const pending = conversation.locator('.message:is(.is-sending, .is-accepted, .is-queued)');
  const lines = () => conversation.evaluate(readLines);

  const choose = async (item: string) => {
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('button', { name: item, exact: true }).click();
  };

  await page.goto(`${url}#session=${sessionId}`);
  if (connects) await isConnected();
  return {
    page,
    complaints,
    field,
    stopButton,
    async say(content, delivery) {
      if (delivery) await page.getByRole('radio', { name: delivery }).check({ force: true });
      await field.fill(content);
      await field.press('Enter');
    },
    lines,
    shows: (...expected) => expect.poll(lines, { timeout: LONG_WAIT_MS }).toEqual(expected),
    notes: (content, note) =>
      expect
        .poll(
          () =>
            conversation
              .getByRole('article')
              .filter({ has: page.locator('.bubble').getByText(content, { exact: true }) })
              .last()
              .locator('.note > span')
              .textContent(),
          { timeout: LONG_WAIT_MS },
        )
        .toMatch(note),
    counts: (state, messages) =>
      expect
        .poll(() => conversation.locator(`.message.is-${state}`).count(), { timeout: LONG_WAIT_MS })
        .toBe(messages),
    pending: () => pending.count(),
    refused: () => conversation.locator('.message.is-rejected').count(),
    // A message that was just said may not have begun its turn yet.
    async answered() {
      await pending.first().waitFor({ state: 'detached' });
      await page.locator('.is-running').waitFor({ state: 'detached' });
    },
    async reload() {
      await page.reload();
      await isConnected();
    },
    choose,
    async cut() {
      await choose('Cut the connection');
      await page.getByText('Connection cut.').waitFor();
    },
    async connectAgain() {
      await choose('Connect again');
      await isConnected();
    },
  };
}

/** As much of the DOM as is read; the project's own types know no browser. */
interface DomElement {
  readonly textContent: string | null;
  readonly classList: { contains(name: string): boolean };
  querySelector(selector: string): DomElement | null;
  querySelectorAll(selector: string): Iterable<DomElement>;
}

/** Runs in the page. */
function readLines(conversation: DomElement): string[] {
  const text = (element: DomElement, selector: string) =>
    element.querySelector(selector)?.textContent?.trim();
  return [...conversation.querySelectorAll('.message, .prose, .tool')].flatMap((element) => {
    const { classList } = element;
    if (classList.contains('prose')) return `assistant: ${element.textContent?.trim()}`;
    if (classList.contains('tool')) {
      const name = text(element, '.tool-name');
      const isOver = ['done', 'failed', 'not run'].includes(text(element, '.tool-state') ?? '');
      return isOver ? [`tool_call: ${name}`, `tool_result: ${name}`] : `tool_call: ${name}`;
    }
    const content = element.querySelector('.bubble')?.textContent;
    return classList.contains('is-applied')
      ? `user: ${content}`
      : `user, ${text(element, '.note > span')}: ${content}`;
  });
}
