import { expect, it } from 'vitest';
import { givenProvider } from '../providers/provided-stack.ts';
import { searchingAgent } from '../providers/searching-agent.ts';
import { anthropic } from '../providers/wires/anthropic.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

/** A web search that the provider runs, from its wire to the page. */

const agent = searchingAgent('web-search-page');

describeInBrowser('The page, with a web search over the wire of Anthropic', () => {
  const stack = givenProvider(anthropic, {}, agent);
  const browser = givenBrowser(stack);

  it('shows the sources of the answer as links, also after a reload', async () => {
    stack.script([
      {
        text: [
          'I look. ',
          {
            searches: 'tide today',
            finds: [
              { url: 'https://example.com/tide', title: 'Tides' },
              { url: 'https://example.org/moon', title: 'The moon' },
            ],
          },
          'High at noon.',
        ],
      },
    ]);
    const chat = await browser.open(stack.newSession());
    await chat.say('first');
    await chat.answered();
    const links = chat.page.getByRole('navigation', { name: 'Sources' }).getByRole('link');
    const shown = () =>
      links.evaluateAll((all: { textContent: string | null; getAttribute(name: string): string | null }[]) =>
        all.map((link) => [link.textContent, link.getAttribute('href')]),
      );
    const expected = [
      ['Tides', 'https://example.com/tide'],
      ['The moon', 'https://example.org/moon'],
    ];
    await expect.poll(shown).toEqual(expected);
    await chat.reload();
    await expect.poll(shown).toEqual(expected);
    expect(stack.takeComplaints()).toEqual([]);
  });
});
