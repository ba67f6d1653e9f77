import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import type { Locator } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import { DATA_NAME } from '../../protocol/data-parts.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { givenStack } from '../support/stack.ts';
import { LONG_WAIT_MS } from '../support/timeouts.ts';
import { WaitingPlaces } from '../support/waiting-places.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';
import type { ChatPage } from './chat-page.ts';

/** As long as a name can be. */
const LONG_NAME = 'a-part-that-this-page-has-never-heard-of'.padEnd(64, '-and-so-on');
const LONG_WORD = 'a-very-long-word-'.repeat(12);
const LONG_FILE = `${LONG_WORD.slice(0, 190)}.pdf`;

/** A black PNG. */
function picture(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([size, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.writeUInt8(1, 8);
  const rows = Buffer.alloc(height * (1 + Math.ceil(width / 8)));
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.of()),
  ]);
}

/** Shows what it does, waits for the test, and goes on. */
const agent = (url: string) => `
import { tool } from 'ai';
import { agentTool, defineAgent, toolContext, toolContextWith } from 'midturn/agent';
import { z } from 'zod';

const report = tool({
  description: 'Writes a report.',
  inputSchema: z.object({ place: z.string() }),
  contextSchema: toolContextWith<{ chart: { rows: number[] }; '${LONG_NAME}': string }>(),
  async *execute({ place }, { context }) {
    yield { percent: 10, doing: '${LONG_WORD}' };
    context.emit('chart', { rows: [1] }, { id: 'sales' });
    context.emit('${LONG_NAME}', '${LONG_WORD}');
    await fetch('${url}/' + place + '-half');
    yield { percent: 60, doing: 'sums' };
    context.emit('chart', { rows: [1, 2] }, { id: 'sales' });
    await fetch('${url}/' + place + '-whole');
    yield 'The report is written.';
  },
});

const draw = tool({
  description: 'Draws.',
  inputSchema: z.object({}),
  contextSchema: toolContext,
  async execute(_, { context: { files } }) {
    const picture = Buffer.from('${picture(2000, 3000).toString('base64')}', 'base64');
    return {
      map: await files.put({ name: 'La carte de Lisbonne', mediaType: 'image/png', bytes: picture }),
      more: [await files.put({ name: '${LONG_FILE}', mediaType: 'application/pdf', bytes: Buffer.from('%PDF-1.7') })],
    };
  },
});

const helper = defineAgent({ instructions: 'Look.', tools: { report: { tool: report } } });

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: { report: { tool: report }, draw: { tool: draw }, ask: agentTool({ agent: helper, description: 'Asks.' }) },
});
`;
const folder = join(import.meta.dirname, '../../dist/agent-of-the-tool-progress');
const places = new WaitingPlaces();
afterAll(async () => {
  await places.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

describeInBrowser('What a running tool shows on the page', () => {
  const stack = givenStack({
    bundles: async () => {
      const url = await places.listen();
      return buildVariant({ files: { 'agent/agent.ts': agent(url) } }, folder);
    },
  });
  const browser = givenBrowser(stack);

  const tool = ({ page }: ChatPage) => page.locator('.tool');
  /** The folds of the data parts, with this name. */
  const data = ({ page }: ChatPage, name: string) =>
    page.locator('.data').filter({ has: page.getByText(name, { exact: true }) });
  /** Waits until the line of the tool begins so, and ends so. */
  const tells = (chat: ChatPage, brief: string, state: string) =>
    expect
      .poll(() => tool(chat).locator('.tool-brief, .tool-state').allTextContents(), { timeout: LONG_WAIT_MS })
      .toEqual([expect.stringContaining(brief), state]);
  const heightOfName = async (fold: Locator) => (await fold.locator('.tool-name').boundingBox())?.height;
  /** How many pixels of the page, or of a fold, are beyond the right edge. */
  const beyond = ({ page }: ChatPage) =>
    page.evaluate(`[
      document.documentElement.scrollWidth - innerWidth,
      ...[...document.querySelectorAll('.fold')].flatMap((fold) => {
        const { right } = fold.getBoundingClientRect();
        return [...fold.querySelectorAll('*')].map((one) => one.getBoundingClientRect().right - right);
      }),
    ].filter((pixels) => pixels > 0)`);

  it.each([1200, 320])(
    'P3: its line has the last value, and each data part is a fold of its name with its value, after a reload too (%s px wide)',
    async (width) => {
      const place = `at-${width}`;
      const calls = [{ id: 'c1', name: 'report', args: { place } }];
      stack.script([{ toolCalls: calls }, { chunks: ['Done.'] }]);
      const viewport = { width, height: 720 };
      const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
      await chat.say('Report');
      await places.wait(`${place}-half`);

      await tells(chat, 'percent: 10', 'running');
      await tool(chat).locator('summary').click();
      expect(await tool(chat).locator('dl').textContent()).toContain('So far{\n  "percent": 10');
      const values = { chart: '{\n  "rows": [\n    1\n  ]\n}', [LONG_NAME]: LONG_WORD };
      for (const [name, value] of Object.entries(values)) {
        await data(chat, name).locator('summary').press('Enter');
        expect(await data(chat, name).locator('pre').textContent()).toBe(value);
      }
      expect(await beyond(chat)).toEqual([]);
      // The text beside a name gives way before the name does.
      const line = await heightOfName(data(chat, 'chart'));
      expect(await heightOfName(tool(chat))).toBe(line);
      if (width === 1200) expect(await heightOfName(data(chat, LONG_NAME))).toBe(line);
      expect(await barriers(chat)).toEqual([]);

      await places.open(`${place}-half`);
      await tells(chat, 'percent: 60', 'running');
      const replaced = '{\n  "rows": [\n    1,\n    2\n  ]\n}';
      // The same fold, which stays open.
      await expect
        .poll(() => data(chat, 'chart').locator('pre').allTextContents(), { timeout: LONG_WAIT_MS })
        .toEqual([replaced]);
      expect(await data(chat, 'chart').locator('pre').isVisible()).toBe(true);

      await places.open(`${place}-whole`);
      await chat.answered();
      for (const reload of [false, true]) {
        if (reload) await chat.reload();
        await chat.page.getByText('Done.').waitFor();
        await tells(chat, `place: ${place}`, 'done');
        expect(await tool(chat).locator('dl').textContent()).toMatch(
          /Arguments.*ResultThe report is written\.$/s,
        );
        expect(await tool(chat).locator('dl').textContent()).not.toContain('So far');
        expect(await chat.page.locator('.data .tool-name').allTextContents()).toEqual(['chart', LONG_NAME]);
        expect(await chat.page.locator('.data pre').allTextContents()).toEqual([replaced, LONG_WORD]);
      }
    },
  );

  it.each([1100, 320])(
    'a picture that a tool has made is shown, within the page, and another file is a link, after a reload too (%s px wide)',
    async (width) => {
      stack.script([{ toolCalls: [{ id: 'c1', name: 'draw', args: {} }] }, { chunks: ['Drawn.'] }]);
      const chat = await browser.open(stack.newSession(), { viewport: { width, height: 720 } });
      await chat.say('Draw');
      await chat.answered();
      for (const reload of [false, true]) {
        if (reload) await chat.reload();
        const picture = chat.page.getByRole('img', { name: 'La carte de Lisbonne' });
        await picture.waitFor();
        await expect
          .poll(() => picture.evaluate((image: { naturalWidth: number }) => image.naturalWidth))
          .toBe(2000);
        const { width: shown = 0, height = 0 } = (await picture.boundingBox()) ?? {};
        expect(shown).toBeLessThan(width);
        expect(height).toBeGreaterThan(50);
        // As it was drawn.
        expect(height / shown).toBeCloseTo(1.5, 1);
        await chat.page.getByRole('button', { name: `${LONG_FILE} (1 KB)` }).waitFor();
        expect(await beyond(chat)).toEqual([]);
      }
      expect(await barriers(chat)).toEqual([]);
    },
  );

  it('P3: what an agent says and does that a tool asks is under the call, while it works, at its end, and after a reload (320 px wide)', async () => {
    const place = 'asked';
    stack.script([
      { toolCalls: [{ id: 'c1', name: 'ask', args: { task: LONG_WORD } }] },
      { chunks: ['I look for it.'], toolCalls: [{ id: 'c2', name: 'report', args: { place } }] },
      { chunks: [`Found ${LONG_WORD}.`] },
      { chunks: ['Done.'] },
    ]);
    const chat = await browser.open(stack.newSession(), {
      viewport: { width: 320, height: 720 },
      reducedMotion: 'reduce',
    });
    await chat.say('Ask');
    await places.wait(`${place}-half`);
    await tells(chat, `▸ report {"place":"${place}"} …`, 'running');
    await tool(chat).locator('summary').press('Enter');
    const shown = async () => (await tool(chat).locator('dd').last().textContent())?.split('\n');
    await expect.poll(shown).toEqual(['I look for it.', `▸ report {"place":"${place}"} …`]);
    expect(await beyond(chat)).toEqual([]);
    expect(await barriers(chat)).toEqual([]);
    await places.open(`${place}-half`);
    await places.wait(`${place}-whole`);
    await places.open(`${place}-whole`);
    await chat.answered();
    const whole = [
      'I look for it.',
      `▸ report {"place":"${place}"} → The report is written.`,
      `Found ${LONG_WORD}.`,
    ];
    for (const reload of [false, true]) {
      if (reload) await chat.reload();
      await chat.page.getByText('Done.').waitFor();
      await expect.poll(shown).toEqual(whole);
      expect(await beyond(chat)).toEqual([]);
    }
  });

  it('a name is as long as one can be', () => {
    expect(LONG_NAME).toMatch(DATA_NAME);
    expect(`${LONG_NAME}x`).not.toMatch(DATA_NAME);
  });
});
