import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page, WebSocketRoute } from 'playwright-core';
import { startLocalCloud } from '../../local/cloud.ts';
import { buildPage } from '../../local/page-build.ts';
import { launchBrowser } from './browser.ts';
import { openChat } from './chat-page.ts';

/**
 * `npm run screenshots`: the pictures of the page in `docs/images`, from the demo model on a local cloud. The stream is
 * held at one word, so that a run gives the pictures of the last one.
 */

const IMAGES = join(import.meta.dirname, '..', '..', 'docs', 'images');
const WIDE = { width: 1280, height: 840 };
const NARROW = { width: 390, height: 860 };

const EARLIER = ['Hello there', 'Can you hear me?'];
const QUESTION = 'Wait 2 seconds, then begin.';
const STEERING = 'A long story about lighthouses';
const PENDING = 'And let the keeper have the last word';
const HOLD_AFTER = 'and went back to';

/** Lets frames through until this has been said; from then on only answers to what the page sends. */
async function holdEventsAfter(page: Page, words: string): Promise<{ reached: Promise<void> }> {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  let said = '';
  let isHeld = false;
  await page.routeWebSocket(/\/local\?/, (socket: WebSocketRoute) => {
    socket.connectToServer().onMessage((text) => {
      const frame: { seq?: number; type: string; content?: string } = JSON.parse(text.toString());
      if (isHeld && frame.seq !== undefined) return;
      socket.send(text);
      if (frame.type === 'chunk') said += frame.content;
      if (!said.endsWith(words)) return;
      isHeld = true;
      resolve();
    });
  });
  return { reached };
}

async function takePictures(): Promise<void> {
  await Promise.all([buildPage(), mkdir(IMAGES, { recursive: true })]);
  // No gathering: one word is one frame.
  const cloud = await startLocalCloud({ settings: { MIDTURN_FLUSH_MS: '0' } });
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext({
      viewport: WIDE,
      // Sharp on dense screens, and each picture under 200 KB.
      deviceScaleFactor: 1.5,
      colorScheme: 'light',
      // Nothing blinks.
      reducedMotion: 'reduce',
    });
    for (const [i, content] of EARLIER.entries()) {
      const earlier = await openChat(await context.newPage(), cloud.pageUrl, `earlier-${i}`);
      await earlier.say(content);
      await earlier.page.locator('.turn-end').waitFor();
      await earlier.page.close();
    }
    const page = await context.newPage();
    const { reached } = await holdEventsAfter(page, HOLD_AFTER);
    const chat = await openChat(page, cloud.pageUrl, 'lighthouses');
    await chat.say(QUESTION);
    await page.locator('.tool-running').waitFor();
    await chat.say(STEERING);
    await reached;
    await chat.say(PENDING);
    await page.getByText('Accepted · steers at the next step').waitFor();
    const picture = (name: string) => page.screenshot({ path: join(IMAGES, name), animations: 'disabled' });
    await picture('page.png');
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await picture('page-dark.png');
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.setViewportSize(NARROW);
    await picture('page-narrow.png');
  } finally {
    await browser.close();
    await cloud.close();
  }
}

await takePictures();
