import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import type { Browser, Locator, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTheirApp } from '../../cli/their-app.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { describeInBrowser, launchBrowser } from '../../test/browser/browser.ts';
import { TEST_BUNDLES } from '../../test/support/bundles.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { LONG_TEST_MS, WAIT_MS } from '../../test/support/timeouts.ts';
import { Shop } from './stack.ts';

const HERE = import.meta.dirname;

/** What `midturn dev` reads in this folder. */
const settings = async (): Promise<Record<string, string>> => {
  const text = await readFile(join(HERE, '.env'), 'utf8');
  return Object.fromEntries(
    [...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
};

interface Visitor {
  page: Page;
  /** The conversation, as text. */
  conversation: Locator;
  say(text: string, file?: { name: string; mimeType: string; buffer: Buffer }): Promise<void>;
  sees(text: string | RegExp): Promise<void>;
}

describeInBrowser('The shop: an application with tables, tools, users and a page of its own', () => {
  let cloud: LocalCloud;
  let browser: Browser;
  const complaints: string[] = [];

  beforeAll(async () => {
    const [chosen] = await Promise.all([
      settings(),
      build({ configFile: join(HERE, 'vite.config.ts'), logLevel: 'warn' }),
    ]);
    const app = await readTheirApp(HERE, chosen, undefined);
    [cloud, browser] = await Promise.all([
      startLocalCloud({ settings: chosen, app, log: () => {} }),
      launchBrowser(),
    ]);
  }, LONG_TEST_MS);
  afterAll(async () => {
    await browser?.close();
    await cloud?.close();
  });

  async function enter(user: string, session: string): Promise<Visitor> {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(`${cloud.pageUrl}#${session}`);
    await page.getByRole('combobox').selectOption({ label: user });
    await page.getByRole('button', { name: 'Enter' }).click();
    const conversation = page.getByRole('list').first();
    return {
      page,
      conversation,
      async say(text, file) {
        if (file) await page.getByLabel('File').setInputFiles(file);
        await page.getByLabel('Message').fill(text);
        await page.getByLabel('Message').press('Enter');
      },
      sees: (text) => conversation.getByText(text).last().waitFor(),
    };
  }

  /** Waits until a turn has taken in all messages, and is over. */
  const answered = async ({ page, conversation }: Visitor) => {
    await expect.poll(() => conversation.locator('[data-state]:not([data-state=applied])').count()).toBe(0);
    await page.getByRole('button', { name: 'Send' }).waitFor();
  };
  let ann: Visitor;
  let orderId: string;

  it('P13: a customer orders with an approval, and sees what is hers', async () => {
    ann = await enter('Ann, customer of Acme', 'ann-1');
    await ann.say('use order {"item": "tea", "count": 2}');
    await ann.page.getByRole('button', { name: 'Allow' }).click();
    await ann.sees(/^order: \{.*"item":"tea","count":2.*"status":"placed"/);
    await answered(ann);
    await ann.say('use my_orders {}');
    await ann.sees(/^my_orders: \[\{"id":".*","item":"tea","count":2,"status":"placed"\}\]$/);
    const line = await ann.conversation.getByText(/^my_orders: \[\{/).textContent();
    orderId = JSON.parse(line?.slice('my_orders: '.length) ?? '')[0].id;
  });

  it('P12: a customer of another shop sees none of it, and cannot cancel it, nor chat in that conversation', async () => {
    const eve = await enter('Eve, customer of Umbrella', 'ann-1');
    await expect.poll(() => eve.conversation.getByRole('listitem').count()).toBe(0);
    await eve.say('use my_orders {}');
    await eve.sees('my_orders: []');
    await answered(eve);
    await eve.say(`use cancel {"id": ${JSON.stringify(orderId)}}`);
    await eve.page.getByRole('button', { name: 'Allow' }).click();
    await eve.sees(`cancel: "There is no order ${orderId}."`);
    await answered(eve);
    await expect.poll(() => ann.conversation.getByText('cancel').count()).toBe(0);

    // The agent that a tool asks is told who asks, and sees what that one may see.
    const question = 'use returns {"task": "use my_orders {}"}';
    for (const [one, orders] of [
      [eve, 'my_orders: []'],
      [ann, /^my_orders: \[\{"id":".*","item":"tea","count":2,"status":"placed"\}\]$/],
    ] as const) {
      await one.say(question);
      await one.conversation.locator('.tool').last().getByRole('listitem').getByText(orders).waitFor();
      await answered(one);
    }
  });

  it('staff have an agent of their own, whose tool draws a chart of all orders of the shop', async () => {
    const sue = await enter('Sue, staff of Acme', 'sue-1');
    await sue.say('use sales {}');
    await sue.page.getByRole('figure').getByText('Sold').waitFor();
    expect(await sue.page.getByRole('figure').locator('.bar').allTextContents()).toEqual(['tea2']);
    await sue.sees('sales: {"items":1,"pieces":2}');
    await answered(sue);
    await sue.page.reload();
    await sue.page.getByRole('figure').getByText('tea').waitFor();
    await sue.say('use order {"item": "tea"}');
    await answered(sue);
    expect(await sue.conversation.getByText(/^order: /).count()).toBe(0);
  });

  it('the parcel service goes on with the conversation in which the order was placed, once', async () => {
    const tell = () =>
      fetch(new URL('/2015-03-31/functions/Carrier/invocations', cloud.pageUrl), {
        method: 'POST',
        body: JSON.stringify({ shop: 'acme', order: orderId }),
      });
    expect(await (await tell()).json()).toMatchObject({ type: 'accepted' });
    await ann.sees('The parcel with 2 tea is on its way.');
    await answered(ann);
    expect(await (await tell()).json()).toMatchObject({ type: 'accepted', duplicate: true });
    await ann.page.reload();
    await ann.sees('The parcel with 2 tea is on its way.');
    expect(await ann.conversation.locator('.system').count()).toBe(1);
  });

  it('a customer sends a receipt', async () => {
    const buffer = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n');
    await ann.say('Here is the receipt.', { name: 'receipt.pdf', mimeType: 'application/pdf', buffer });
    await ann.sees('Here is the receipt.');
    await answered(ann);
    const disguised = Buffer.from('<html><script>alert(1)</script></html>');
    await ann.say('And this.', { name: 'photo.png', mimeType: 'image/png', buffer: disguised });
    await ann.sees(/not sent: .*/);
  });

  it('on trial, the fourth question of a day is refused', async () => {
    const tim = await enter('Tim, on trial at Acme', 'tim-1');
    for (const question of ['one', 'two', 'three']) {
      await tim.say(question);
      await tim.sees(question);
      await answered(tim);
    }
    await tim.say('four');
    await tim.sees(/four not sent: /);
  });

  it('no page complained', () => {
    expect(complaints).toEqual([]);
  });
});

describe('The shop’s stack', () => {
  it('is synthesized for AWS, with its table, its grants and its users', () => {
    const stack = new Shop(new App({ outdir: temporaryFolder() }), 'Shop', {
      bundles: TEST_BUNDLES,
      page: false,
    });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ ORDERS: Match.anyValue(), MIDTURN_MODEL: 'demo' }) },
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ MIDTURN_JWT_TENANT_CLAIM: 'custom:shop' }) },
    });
    template.hasResourceProperties('AWS::Cognito::UserPoolClient', { WriteAttributes: ['email'] });
    const [grant] = Object.values(
      template.findResources('AWS::IAM::Policy', {
        Properties: { PolicyName: Match.stringLikeRegexp('^CarrierServiceRole') },
      }),
    );
    const actions = grant?.Properties.PolicyDocument.Statement.flatMap(
      ({ Action }: { Action: string | string[] }) => Action,
    );
    expect(actions).toEqual(expect.arrayContaining(['dynamodb:Query', 'lambda:InvokeFunction']));
    expect(actions).not.toContain('dynamodb:PutItem');
  });
});
