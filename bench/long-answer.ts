import type { Page } from 'playwright-core';
import { launchBrowser } from '../test/browser/browser.ts';
import type { Bench, BenchResult } from './result.ts';
import { startStack } from './stack.ts';
import { type Summary, summarize } from './stats.ts';

const ANSWER_CHARACTERS = 120_000;
const DELTA_CHARACTERS = 48;
const RUNS = 5;
/** A browser calls a task long from this time on. */
const LONG_MS = 50;
const LIMIT_MS = 120_000;

/** One part of the answer: what a long answer of a model consists of. */
const SECTION = `## A part of the answer

A paragraph with **bold** words, \`code\`, a [link](https://example.com) and enough text to fill more than one line on the page.

- an item of a list
- another one, with *emphasis*

\`\`\`ts
const sum = values.reduce((before, value) => before + value, 0);
\`\`\`

| name | value |
| --- | --- |
| first | 1 |
| second | 2 |

`;

const PARTS = Math.floor(ANSWER_CHARACTERS / SECTION.length);

/** What a person at the page feels while a very fast model gives a very long answer. Needs Chromium. */
export const longAnswer: Bench = { name: 'long-answer', run };

async function run(): Promise<BenchResult> {
  const answer = SECTION.repeat(Math.ceil(ANSWER_CHARACTERS / SECTION.length)).slice(0, ANSWER_CHARACTERS);
  const chunks = Array.from({ length: Math.ceil(answer.length / DELTA_CHARACTERS) }, (_, i) =>
    answer.slice(i * DELTA_CHARACTERS, (i + 1) * DELTA_CHARACTERS),
  );
  await using stack = await startStack({ script: () => ({ chunks }), calls: [] });
  const browser = await launchBrowser();
  const broken: string[] = [];
  const taken: Taken[] = [];
  try {
    for (let i = 0; i < RUNS; i++) {
      const page = await browser.newPage();
      taken.push(await answerOn(page, `${stack.url.replace(/^ws(.*)\/\w+$/, 'http$1')}/#session=long-${i}`));
      // The page adds a part of a long text with each frame.
      await page
        .locator('article.answer h2')
        .nth(PARTS - 1)
        .waitFor();
      const shown = (await page.locator('article.answer').textContent()) ?? '';
      const sections = shown.split('A part of the answer').length - 1;
      if (sections < PARTS) broken.push(`P3: run ${i}: the page shows ${sections} parts of the answer`);
      await page.close();
    }
  } finally {
    await browser.close();
  }
  const of = (part: keyof Taken): Summary => summarize(taken.map((one) => one[part]));
  return {
    about: `an answer of ${ANSWER_CHARACTERS} characters, as fast as the model's server sends it, ${RUNS} times`,
    figures: [
      { name: 'longest task of the page', unit: 'ms', summary: of('longest'), target: { p50Below: 200 } },
      { name: 'all long tasks together', unit: 'ms', summary: of('long') },
      { name: 'message to the end of the answer', unit: 'ms', summary: of('whole') },
    ],
    broken,
  };
}

/** Runs in the page. As text, because Node's types do not know the browser's long tasks. */
const WATCH = `
  globalThis.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longTasks.push(duration);
  }).observe({ type: 'longtask' });
`;

/** In milliseconds. */
interface Taken {
  longest: number;
  long: number;
  whole: number;
}

async function answerOn(page: Page, url: string): Promise<Taken> {
  page.setDefaultTimeout(LIMIT_MS);
  await page.goto(url);
  await page.getByText('Connected', { exact: true }).waitFor();
  await page.evaluate(WATCH);
  const begunAt = performance.now();
  await page.getByRole('textbox', { name: /^Message/ }).fill('go');
  await page.keyboard.press('Enter');
  await page.locator('.turn-end').waitFor();
  const whole = performance.now() - begunAt;
  const tasks: number[] = await page.evaluate(() => Reflect.get(globalThis, 'longTasks'));
  return { longest: Math.max(LONG_MS, ...tasks), long: tasks.reduce((sum, ms) => sum + ms, 0), whole };
}
