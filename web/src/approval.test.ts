import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import type { ApprovalItem } from '../../client/index.ts';
import { Approval } from './approval.tsx';

const CARD = '4111111111111111';
const REVEAL = 'Show what looks secret';

function cardOf(args: ApprovalItem['arguments'], summary = ''): string {
  const item: ApprovalItem = {
    kind: 'approval',
    key: 'k',
    turnId: 't1',
    requestId: 'r1',
    tool: 'pay',
    summary,
    arguments: args,
    offersAlways: false,
    timeoutSeconds: 60,
    toolCallId: 'c1',
    decision: undefined,
    resolved: undefined,
  };
  return renderToStaticMarkup(createElement(Approval, { item, running: true, answer: () => {} }));
}

it.each<[string, ApprovalItem['arguments']]>([
  ['in a row', { card: CARD }],
  ['after a line break of a row', { note: `pay with\n${CARD}` }],
  ['after a tab of a row', { note: `card\t${CARD}` }],
  ['deep in a row', { method: { card: CARD } }],
  ['in arguments that are a list', [CARD]],
])('what is masked can be shown: %s', (_, args) => {
  const html = cardOf(args);
  expect(html).toContain('••••1111');
  expect(html).not.toContain(CARD);
  expect(html).toContain(REVEAL);
});

it('what is masked in a summary can be shown', () => {
  const html = cardOf(undefined, `card: ${CARD}`);
  expect(html).toContain('••••1111');
  expect(html).toContain(REVEAL);
});

it('where nothing is masked, there is nothing to show', () => {
  expect(cardOf({ to: 'Ann', note: 'for dinner' })).not.toContain(REVEAL);
  expect(cardOf({})).not.toContain(REVEAL);
});
