import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import type { ApprovalItem } from '../../client/index.ts';
import { Approval, decisionOf } from './approval.tsx';

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

/** A request that is decided, or not. */
const decided = (more: Partial<ApprovalItem>): ApprovalItem => ({
  kind: 'approval',
  key: 'k',
  turnId: 't1',
  requestId: 'r1',
  tool: 'pay',
  summary: '{}',
  arguments: { to: 'Ann' },
  offersAlways: false,
  timeoutSeconds: 60,
  toolCallId: 'c1',
  decision: undefined,
  resolved: undefined,
  ...more,
});
const by = (reason: string) => ({ reason, by: undefined });

it.each<[string | undefined, Partial<ApprovalItem>]>([
  [undefined, {}],
  ['Answering…', { decision: 'approve' }],
  ['Approved', { decision: 'approve', resolved: by('answer') }],
  ['Approved', { decision: 'always', resolved: by('answer') }],
  ['Approved for always before', { decision: 'approve', resolved: by('always') }],
  ['Denied', { decision: 'deny', resolved: by('answer') }],
  ['Not run: nobody answered in time', { decision: 'deny', resolved: by('timeout') }],
  ['Not run: the turn was stopped', { decision: 'deny', resolved: by('aborted') }],
])('what has become of a request: %s', (words, more) => {
  expect(decisionOf(decided(more))).toBe(words);
});

it('only a request of a running turn can be answered, and for always only where that is offered', () => {
  const shown = (more: Partial<ApprovalItem>, running: boolean) => {
    const html = renderToStaticMarkup(
      createElement(Approval, { item: decided(more), running, answer: () => {} }),
    );
    return ['>Approve<', '>Deny<', '>Always approve<', 'Nobody answered.'].filter((part) =>
      html.includes(part),
    );
  };
  expect(shown({}, true)).toEqual(['>Approve<', '>Deny<']);
  expect(shown({ offersAlways: true }, true)).toEqual(['>Approve<', '>Deny<', '>Always approve<']);
  expect(shown({ decision: 'deny' }, true)).toEqual([]);
  expect(shown({}, false)).toEqual(['Nobody answered.']);
});

it('the arguments are shown with what cannot be seen made visible; where there are none, nothing is', () => {
  expect(cardOf({ 'to\u202e': 'Ann\u202e' })).not.toContain('\u202e');
  expect(cardOf({}, '{}')).not.toContain('<pre');
  expect(cardOf(undefined, '{}')).toContain('<pre');
  expect(cardOf({ count: 2, deep: { a: [1] } })).toMatch(/>2<.*&quot;a&quot;: \[/s);
});
