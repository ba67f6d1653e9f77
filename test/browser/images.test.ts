import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { bytesOf } from '../../core/content.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import { pdf } from '../support/files.ts';
import { end } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Runs in the page: a picture of noise, which no format makes small. */
const NOISE = `(async () => {
  const canvas = new OffscreenCanvas(400, 300);
  const context = canvas.getContext('2d');
  let seed = 1;
  const picture = context.createImageData(400, 300);
  for (let at = 0; at < picture.data.length; at++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    picture.data[at] = at % 4 === 3 ? 255 : seed >>> 24;
  }
  context.putImageData(picture, 0, 0);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
})()`;

describeInBrowser('Images on the page, where the server takes no files', () => {
  const stack = givenStack({ settings: { MIDTURN_FILE_BYTES: '0' } });
  const browser = givenBrowser(stack);

  it('a chosen image is made to fit, can be taken out again, and stands in the message', async () => {
    const model = stack.script([{ chunks: ['I see.'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    const { page } = chat;
    const noise = Buffer.from(await page.evaluate<string>(NOISE), 'base64');
    expect(noise.length).toBeGreaterThan(10 * MAX_CONTENT_BYTES);
    const picker = page.locator('input[type=file]');
    await picker.setInputFiles({ name: 'pixel.png', mimeType: 'image/png', buffer: PIXEL });
    await page.getByRole('button', { name: 'Remove image 1' }).click();
    await picker.setInputFiles({ name: 'noise.png', mimeType: 'image/png', buffer: noise });
    const attached = page.getByRole('list', { name: 'Attached images' }).getByRole('img');
    await attached.waitFor();
    expect(await attached.count()).toBe(1);
    await chat.say('what is this?');
    await page.locator('.prose').getByText('I see.').waitFor();
    await chat.answered();
    await page.locator('.bubble').getByAltText('Attached by you').waitFor();
    expect(await attached.count()).toBe(0);
    const [entry] = await stack.stored.transcript(session);
    const content = entry?.role === 'user' ? entry.content : '';
    expect(content).toMatchObject([
      { type: 'image', media_type: 'image/jpeg' },
      { type: 'text', text: 'what is this?' },
    ]);
    expect(bytesOf(content)).toBeLessThanOrEqual(MAX_CONTENT_BYTES);
    // Made no smaller than it had to be.
    expect(bytesOf(content)).toBeGreaterThan(MAX_CONTENT_BYTES / 4);
    expect(model.prompt(1)[0]).toMatch(/^user: \[image data:image\/jpeg;base64,\S+\] what is this\?$/);
    await chat.reload();
    await page.locator('.bubble').getByAltText('Attached by you').waitFor();
  });

  it('a dropped and a pasted image are attached; another file is refused in words, and the text stays', async () => {
    stack.script([{ chunks: ['I see.'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    const { page } = chat;
    await chat.field.fill('unsent');
    for (const kind of ['drop', 'paste']) {
      await page.evaluate(`(() => {
        const files = new DataTransfer();
        files.items.add(new File([new Uint8Array(${JSON.stringify([...PIXEL])})], 'file', { type: 'image/png' }));
        const init = { bubbles: true, cancelable: true };
        document.querySelector('textarea').dispatchEvent(
          ${JSON.stringify(kind)} === 'drop'
            ? new DragEvent('drop', { ...init, dataTransfer: files })
            : new ClipboardEvent('paste', { ...init, clipboardData: files }),
        );
      })()`);
    }
    const attached = page.getByRole('list', { name: 'Attached images' }).getByRole('img');
    await expect.poll(() => attached.count()).toBe(2);
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('no image') });
    await page.getByRole('alert').getByText('no image that the browser can read').waitFor();
    expect(await attached.count()).toBe(2);
    expect(await chat.field.inputValue()).toBe('unsent');
    await chat.field.press('Enter');
    await page.locator('.prose').getByText('I see.').waitFor();
    await chat.answered();
    expect((await stack.stored.transcript(session))[0]).toMatchObject({
      content: [
        { type: 'image', media_type: 'image/png', data: PIXEL.toString('base64') },
        { type: 'image', media_type: 'image/png', data: PIXEL.toString('base64') },
        { type: 'text', text: 'unsent' },
      ],
    });
  });

  it('two large images share the room of the message, and leave some for its text', async () => {
    stack.script([{ chunks: ['I see.'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    const { page } = chat;
    const noise = Buffer.from(await page.evaluate<string>(NOISE), 'base64');
    const files = ['one.png', 'two.png'].map((name) => ({ name, mimeType: 'image/png', buffer: noise }));
    await page.locator('input[type=file]').setInputFiles(files);
    await page.getByRole('button', { name: 'Remove image 2' }).waitFor();
    const text = 'What do these have in common? '.repeat(30).trim();
    await chat.say(text);
    await page.locator('.prose').getByText('I see.').waitFor();
    expect((await stack.stored.transcript(session))[0]).toMatchObject({
      content: [{ type: 'image' }, { type: 'image' }, { type: 'text', text }],
    });
  });

  it('an image elsewhere is a link: the page asks its server for nothing', async () => {
    stack.script([{ chunks: ['I see.'] }]);
    const session = stack.newSession();
    const other = await stack.connect(session);
    other.send({
      type: 'message',
      content: [
        { type: 'text', text: 'look' },
        { type: 'image', url: 'https://elsewhere.invalid/cat.png' },
      ],
    });
    await end(other);
    const asked: string[] = [];
    const prepare = async (page: Page) => {
      page.on('request', (request) => asked.push(request.url()));
    };
    const { page } = await browser.open(session, { prepare });
    const link = page.getByRole('link', { name: 'Image at elsewhere.invalid' });
    await link.waitFor();
    expect(await link.getAttribute('rel')).toBe('noreferrer noopener');
    expect(asked.filter((url) => url.includes('elsewhere'))).toEqual([]);
  });
});

describeInBrowser('Files on the page', () => {
  const stack = givenStack({ settings: { MIDTURN_FILE_BYTES: '3000000' } });
  const browser = givenBrowser(stack);
  const report = { name: 'report.pdf', mimeType: 'application/pdf', buffer: pdf(2_000_000) };

  it('a PDF and a large picture are uploaded, sent with the message, and shown from the bucket, also after a reload', async () => {
    const model = stack.script([{ chunks: ['I see.'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    const { page } = chat;
    const noise = Buffer.from(await page.evaluate<string>(NOISE), 'base64');
    const picker = page.locator('input[type=file]');
    await picker.setInputFiles([report, { name: 'noise.png', mimeType: 'image/png', buffer: noise }]);
    await page.getByRole('button', { name: 'Remove report.pdf' }).waitFor();
    await page.getByRole('button', { name: 'Remove noise.png' }).waitFor();
    await chat.say('what are these?');
    await page.locator('.prose').getByText('I see.').waitFor();
    await chat.answered();
    expect((await stack.stored.transcript(session))[0]).toMatchObject({
      content: [
        { type: 'file', media_type: 'application/pdf', name: 'report.pdf', size: 2_000_000 },
        { type: 'file', media_type: 'image/png', name: 'noise.png', size: noise.length },
        { type: 'text', text: 'what are these?' },
      ],
    });
    expect(model.prompt(1)[0]).toContain(`[image data:image/png;base64,${noise.toString('base64')}]`);
    for (const reload of [false, true]) {
      if (reload) await chat.reload();
      const image = page.locator('.bubble').getByAltText('noise.png');
      await image.waitFor();
      // Loaded from the bucket, as the page's policy allows.
      await expect
        .poll(() => image.evaluate((shown: object) => 'naturalWidth' in shown && shown.naturalWidth))
        .toBe(400);
      await page.locator('.bubble').getByRole('button', { name: 'report.pdf (2.0 MB)' }).waitFor();
    }
  });

  it('what is too large or of another type is refused in words; an upload can be cancelled, and one that fails says so', async () => {
    const chat = await browser.open(stack.newSession());
    const { page } = chat;
    const picker = page.locator('input[type=file]');
    await picker.setInputFiles({ name: 'page.html', mimeType: 'text/html', buffer: Buffer.from('<p>') });
    await page.getByRole('alert').getByText('only images, PDFs and audio').waitFor();
    await picker.setInputFiles({ ...report, name: 'large.pdf', buffer: pdf(3_000_001) });
    await page.getByRole('alert').getByText('at most 3 MB').waitFor();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await page.route(/X-Amz-Signature/, async (route) => {
      await held;
      // A status that a browser does not report as an error of the page.
      await route.fulfill({ status: 304, headers: { 'access-control-allow-origin': '*' } });
    });
    await picker.setInputFiles(report);
    await page.getByRole('progressbar', { name: 'Uploading report.pdf' }).waitFor();
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Cancel the upload of report.pdf' }).click();
    await page.getByRole('list', { name: 'Attached files' }).waitFor({ state: 'detached' });
    release();
    await picker.setInputFiles(report);
    await page.getByRole('alert').getByText('report.pdf: The file was not taken (status 304).').waitFor();
    expect(await page.getByRole('list', { name: 'Attached files' }).count()).toBe(0);
  });
});
