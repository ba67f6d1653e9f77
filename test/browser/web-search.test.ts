import { expect, it } from 'vitest';
import { givenProvider } from '../providers/provided-stack.ts';
import { searchingAgent } from '../providers/searching-agent.ts';
import { anthropic } from '../providers/wires/anthropic.ts';
import { google } from '../providers/wires/google.ts';
import { openai } from '../providers/wires/openai.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

/** A web search that the provider runs, from its wire to the page. */

const agent = searchingAgent('web-search-page');

const PAGES = [
  { url: 'https://example.com/tide', title: 'Tides' },
  { url: 'https://example.org/moon', title: 'The moon' },
];

/**
 * OpenAI names the pages of a search by their addresses alone (`web_search_call.action.sources`,
 * https://developers.openai.com/api/reference/resources/responses/methods/create), and its package then leaves out the citations,
 * which have titles: the page shows the address.
 */
const WIRES = [
  { wire: anthropic, hasTitles: true },
  { wire: google, hasTitles: true },
  { wire: openai, hasTitles: false },
];

for (const { wire, hasTitles } of WIRES)
  describeInBrowser(`The page, with a web search over the wire of ${wire.name}`, () => {
    const stack = givenProvider(wire, {}, agent);
    const browser = givenBrowser(stack);

    it('shows the sources of the answer as links, also after a reload', async () => {
      stack.script([
        {
          text: ['I look. ', { searches: 'tide today', finds: PAGES }, 'High at noon.'],
        },
      ]);
      const chat = await browser.open(stack.newSession());
      await chat.say('first');
      await chat.answered();
      const links = chat.page.getByRole('navigation', { name: 'Sources' }).getByRole('link');
      const shown = () =>
        links.evaluateAll(
          (all: { textContent: string | null; getAttribute(name: string): string | null }[]) =>
            all.map((link) => [link.textContent, link.getAttribute('href')]),
        );
      const expected = PAGES.map(({ url, title }) => [hasTitles ? title : url, url]);
      await expect.poll(shown).toEqual(expected);
      await chat.reload();
      await expect.poll(shown).toEqual(expected);
      expect(stack.takeComplaints()).toEqual([]);
    });
  });
