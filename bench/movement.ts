import type { Page } from 'playwright-core';
import { launchBrowser } from '../test/browser/browser.ts';
import type { Bench, BenchResult, Figure } from './result.ts';
import { startStack } from './stack.ts';
import { summarize } from './stats.ts';
import { timedModel } from './timed-model.ts';

/** What an eye sees of an answer of five seconds on the page, in Chromium: whether its text moves, and how soon it is whole. */
export const movement: Bench = { name: 'movement', run };

const ANSWERS = 5;
const TOKENS = 300;
const PACE = { firstTokenMs: 200, tokenMs: 1000 / 60 };
const WORDS = Array.from({ length: TOKENS }, (_, n) => (n % 40 === 39 ? `word${n}.\n\n` : `word${n} `));
const LONGEST_MS = 120;
const WHOLE_MS = 300;

/** In milliseconds of the page's clock. */
interface Seen {
  /** Each painted frame in which the text had grown. */
  moves: number[];
  /** When frames with text came. */
  chunks: number[];
  /** When `done` came, and when the text was whole. */
  done: number;
  whole: number;
}

async function run(): Promise<BenchResult> {
  const model = timedModel(() => ({ words: WORDS, ...PACE }));
  await using stack = await startStack(model);
  const browser = await launchBrowser();
  try {
    const played = await look('played', { reducedMotion: 'no-preference' });
    const unplayed = await look('as it comes', { reducedMotion: 'reduce' });
    return {
      about: `${ANSWERS} answers of ${TOKENS} tokens at 60 a second, each in a conversation of its own`,
      figures: [...played, ...unplayed],
      broken: [],
    };
  } finally {
    await browser.close();
  }

  async function look(
    how: string,
    options: { reducedMotion: 'no-preference' | 'reduce' },
  ): Promise<Figure[]> {
    const seen: Seen[] = [];
    for (let answer = 0; answer < ANSWERS; answer++) {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const address = new URL(stack.url.replace('ws:', 'http:'));
      seen.push(await watch(page, `${address.origin}/#session=movement-${options.reducedMotion}-${answer}`));
      await context.close();
    }
    const of = (measure: (one: Seen) => number) => summarize(seen.map(measure));
    return [
      {
        name: `${how}: longest time without movement`,
        unit: 'ms',
        summary: of(longestPause),
        ...(how === 'played' && { target: { p50Below: LONGEST_MS } }),
      },
      {
        name: `${how}: done to whole text`,
        unit: 'ms',
        summary: of(({ whole, done }) => Math.max(0, whole - done)),
        ...(how === 'played' && { target: { p50Below: WHOLE_MS } }),
      },
      { name: `${how}: frames with text`, unit: '', summary: of(({ chunks }) => chunks.length) },
    ];
  }
}

/** While text was coming: from the first piece to the last. */
function longestPause({ moves, chunks }: Seen): number {
  const [first = 0, last = 0] = [chunks[0], chunks.at(-1)];
  const within = [first, ...moves.filter((at) => at > first && at < last), last];
  return Math.max(...within.slice(1).map((at, n) => at - (within[n] ?? 0)));
}

async function watch(page: Page, address: string): Promise<Seen> {
  await page.addInitScript(RECORD);
  await page.goto(address);
  await page.getByText('Connected', { exact: true }).waitFor();
  await page.getByRole('textbox', { name: /^Message/ }).fill('Say many words.');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => (globalThis as { seen?: Seen }).seen?.whole !== undefined, undefined, {
    timeout: 60_000,
  });
  return page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen);
}

/** Runs in the page, before its own code: notes when frames come, and in which painted frames the text has grown. */
const RECORD = `
  const seen = { moves: [], chunks: [] };
  globalThis.seen = seen;
  let length = 0;
  let content = 0;
  globalThis.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener('message', ({ data }) => {
        const frame = JSON.parse(String(data));
        if (frame.type === 'chunk') {
          seen.chunks.push(performance.now());
          content += frame.content.replaceAll(/\\s/g, '').length;
        }
        if (frame.type === 'done') seen.done = performance.now();
      });
    }
  };
  const lengthOf = (prose) => prose.textContent.replaceAll(/\\s/g, '').length;
  const look = () => {
    const shown = [...document.querySelectorAll('.prose')].map(lengthOf).reduce((sum, one) => sum + one, 0);
    if (shown > length) seen.moves.push(performance.now());
    length = shown;
    if (seen.done !== undefined && shown >= content) seen.whole ??= performance.now();
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
`;
