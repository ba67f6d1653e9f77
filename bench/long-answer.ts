import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { buildPage } from '../local/page-build.ts';
import { launchBrowser } from '../test/browser/browser.ts';
import { dated, table } from './page.ts';
import type { Bench, BenchResult } from './result.ts';
import { startStack } from './stack.ts';
import { summarize } from './stats.ts';

const ANSWER_CHARACTERS = 120_000;
const DELTA_CHARACTERS = 48;
const RUNS = 3;
const TASK_BELOW_MS = 200;
/** A browser calls a task long from this time on. */
const LONG_MS = 50;
const LIMIT_MS = 120_000;
const POLL_MS = 50;

/** What an answer consists of, again and again. `words` stand in each part once, without marks. */
interface Shape {
  name: string;
  part: string;
  words: string;
  /** Before the first part. */
  opening?: string;
}

/** All but the first are one block of Markdown. */
const SHAPES: readonly Shape[] = [
  {
    name: 'headings, lists, code and tables',
    words: 'A part of the answer',
    part: `## A part of the answer

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

`,
  },
  {
    name: 'one paragraph',
    words: 'Some words',
    part: 'Some words with **bold** ones, `code` and a [link](https://example.com) among them. ',
  },
  { name: 'one list', words: 'an item', part: '- an item of a list, with *emphasis* and some more words\n' },
  {
    name: 'one table',
    words: 'first',
    part: '| first | 1 and **two** |\n',
    opening: '| name | value |\n| --- | --- |\n',
  },
  {
    name: 'one code block',
    words: 'const sum',
    part: 'const sum = values.reduce((before, value) => before + value, 0);\n',
    opening: '```ts\n',
  },
];

const SECTION = { name: 'long-answer', command: 'npm run bench -- long-answer' };

/** What a person at the page feels while a very fast model gives a very long answer. Needs Chromium. */
export const longAnswer: Bench = {
  name: SECTION.name,
  run,
  page({ figures }, where) {
    const rows = figures.map((figure) => [
      figure.name,
      ...('summary' in figure ? [figure.summary.p50, figure.summary.max] : [figure.value, figure.value]).map(
        (ms) => Math.round(ms).toLocaleString('en'),
      ),
    ]);
    return {
      section: SECTION,
      text: `${dated(where)}\n\n${table(['ms', `median of ${RUNS}`, 'worst'], rows)}`,
    };
  },
};

async function run(): Promise<BenchResult> {
  let answer = '';
  await using stack = await startStack({ script: () => ({ chunks: chunksOf(answer) }), calls: [] });
  const url = stack.url.replace(/^ws(.*)\/\w+$/, 'http$1');
  await buildPage();
  const browser = await launchBrowser();
  const figures: BenchResult['figures'] = [];
  try {
    for (const { name, words, part, opening = '' } of SHAPES) {
      const parts = Math.floor(ANSWER_CHARACTERS / part.length);
      answer = opening + part.repeat(parts);
      const taken: Taken[] = [];
      for (let i = 0; i < RUNS; i++) {
        const page = await browser.newPage();
        page.setDefaultTimeout(LIMIT_MS);
        taken.push(await answerOn(page, `${url}/#session=long-${figures.length}-${i}`, words, parts));
        await page.close();
      }
      const of = (key: keyof Taken) => ({ unit: 'ms', summary: summarize(taken.map((one) => one[key])) });
      figures.push(
        { name: `${name}: longest task`, ...of('longest'), target: { p50Below: TASK_BELOW_MS } },
        { name: `${name}: all long tasks together`, ...of('long') },
        { name: `${name}: message to all of the answer shown`, ...of('whole') },
      );
    }
  } finally {
    await browser.close();
  }
  return {
    about: `an answer of ${ANSWER_CHARACTERS} characters, as fast as the model's server sends it, ${RUNS} times each`,
    figures,
    // An answer that is not shown whole ends the bench: it is waited for.
    broken: [],
  };
}

const chunksOf = (answer: string): string[] =>
  Array.from({ length: Math.ceil(answer.length / DELTA_CHARACTERS) }, (_, i) =>
    answer.slice(i * DELTA_CHARACTERS, (i + 1) * DELTA_CHARACTERS),
  );

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

async function answerOn(page: Page, url: string, words: string, parts: number): Promise<Taken> {
  await page.addInitScript(WATCH);
  await page.goto(url);
  await page.getByText('Connected', { exact: true }).waitFor();
  await page.evaluate('longTasks.length = 0');
  const begunAt = performance.now();
  await page.getByRole('textbox', { name: /^Message/ }).fill('go');
  await page.keyboard.press('Enter');
  const prose = page.locator('.prose');
  // Not in the page: its content security policy forbids what a waiting function needs.
  while ((await prose.allTextContents()).join('').split(words).length <= parts) {
    if (performance.now() - begunAt > LIMIT_MS) throw new Error(`the answer is not shown whole: ${url}`);
    await sleep(POLL_MS);
  }
  await page.locator('.turn-end').waitFor();
  const whole = performance.now() - begunAt;
  const tasks: number[] = await page.evaluate('longTasks');
  return {
    longest: Math.max(LONG_MS, ...tasks),
    long: tasks.reduce((sum, ms) => sum + ms, 0),
    whole,
  };
}
