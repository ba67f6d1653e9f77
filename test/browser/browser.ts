import { existsSync } from 'node:fs';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { buildPage } from '../../local/page-build.ts';
import type { SharedStack } from '../support/stack.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import { type ChatPage, type OpenOptions, openChat } from './chat-page.ts';

/** Debian's. Nothing is downloaded: where there is none, the tests are skipped. */
const CHROMIUM = '/usr/bin/chromium';

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Newer browsers let pages from elsewhere reach this machine's ports only if the user allows it. The product must not
  // rely on that.
  '--disable-features=LocalNetworkAccessChecks',
];

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });

/** A `describe` whose tests need a browser. */
export function describeInBrowser(name: string, body: () => void): void {
  const isThere = existsSync(CHROMIUM);
  if (!isThere) console.warn(`SKIPPED: ${name}. There is no ${CHROMIUM}: apt-get install chromium.`);
  describe.skipIf(!isThere)(name, { timeout: LONG_TEST_MS }, body);
}

export interface SharedBrowser {
  /**
   * The page in a tab of its own, at this session; with `beside`, in the same browser profile as that one. `prepare`: what
   * is done to the tab before it goes there.
   */
  open(
    sessionId: string,
    options?: BrowserContextOptions &
      OpenOptions & { beside?: ChatPage; prepare?: (page: Page) => Promise<void> },
  ): Promise<ChatPage>;
}

/** A browser for the tests of this `describe`. After each test, no page of it may have complained on its console. */
export function givenBrowser(stack: {
  readonly cloud: Pick<SharedStack['cloud'], 'pageUrl'>;
}): SharedBrowser {
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];
  const pages: ChatPage[] = [];
  beforeAll(async () => {
    await buildPage();
    browser = await launchBrowser();
  });
  afterEach(async () => {
    const complaints = pages.splice(0).flatMap((chat) => chat.complaints);
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    expect(complaints).toEqual([]);
  });
  afterAll(() => browser?.close());
  return {
    async open(sessionId, { beside, expects, connects, prepare, ...options } = {}) {
      let context = beside?.page.context();
      if (!context) {
        if (!browser) throw new Error('the browser runs inside tests only');
        context = await browser.newContext(options);
        contexts.push(context);
      }
      const page = await context.newPage();
      await prepare?.(page);
      const chat = await openChat(page, stack.cloud.pageUrl, sessionId, {
        ...(expects && { expects }),
        ...(connects !== undefined && { connects }),
      });
      pages.push(chat);
      return chat;
    },
  };
}
