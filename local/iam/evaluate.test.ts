import { describe, expect, it } from 'vitest';
import type { ConditionContext } from './condition.ts';
import { evaluate } from './evaluate.ts';
import { MalformedPolicy, readPolicy } from './statement.ts';

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/Sessions';

function ask(
  statements: object[],
  action = 'dynamodb:GetItem',
  resource = TABLE,
  context?: ConditionContext,
) {
  return evaluate(readPolicy({ Statement: statements }), { action, resource, context: context ?? new Map() });
}

const allow = (more: object = {}) => ({
  Effect: 'Allow',
  Action: 'dynamodb:GetItem',
  Resource: TABLE,
  ...more,
});
const deny = (more: object = {}) => ({ ...allow(more), Effect: 'Deny' });

describe('what is allowed', () => {
  it.each([
    ['by the very action and resource', [allow()]],
    ['by an action in other case', [allow({ Action: 'DynamoDB:getitem' })]],
    ['by wildcards', [allow({ Action: 'dynamodb:Get*', Resource: 'arn:aws:dynamodb:*:*:table/Session?' })]],
    [
      'by one of several',
      [allow({ Action: ['sqs:SendMessage', 'dynamodb:GetItem'], Resource: ['x', TABLE] })],
    ],
    ['by NotAction of another', [allow({ Action: undefined, NotAction: 'dynamodb:Delete*' })]],
    ['by NotResource of another', [allow({ Resource: undefined, NotResource: `${TABLE}2` })]],
    ['beside a Deny of something else', [allow(), deny({ Action: 'dynamodb:PutItem' })]],
  ])('%s', (_what, statements) => {
    expect(ask(statements).allowed).toBe(true);
  });

  it('names the statement that allows', () => {
    const verdict = ask([allow({ Sid: 'Other', Action: 'sqs:*' }), allow({ Sid: 'This' })]);
    expect(verdict).toMatchObject({ allowed: true, by: { sid: 'This' } });
  });
});

describe('what is denied', () => {
  it.each([
    ['what no statement is about', [allow({ Action: 'dynamodb:PutItem' })]],
    ['another resource', [allow({ Resource: `${TABLE}/index/x` })]],
    ['a resource in other case', [allow({ Resource: TABLE.toLowerCase() })]],
    ['a dot that is meant as a dot', [allow({ Resource: TABLE.replace('arn:aws', 'arn.aws') })]],
    ['what NotAction names', [allow({ Action: undefined, NotAction: 'dynamodb:Get*' })]],
    ['what a Deny names, wherever it stands', [deny({ Action: 'dynamodb:*' }), allow()]],
    ['what a Deny names, behind the Allow', [allow({ Resource: '*' }), deny()]],
    [
      'what a condition does not hold for',
      [allow({ Condition: { Bool: { 'aws:SecureTransport': 'true' } } })],
    ],
  ])('%s', (_what, statements) => {
    expect(ask(statements).allowed).toBe(false);
  });

  it('what uses a condition operator that is not known, and it says so', () => {
    const Condition = { StringMatches: { 'aws:PrincipalArn': 'x' } };
    expect(ask([allow({ Condition })])).toMatchObject({
      allowed: false,
      why: expect.stringContaining('the condition operator StringMatches'),
    });
    expect(ask([allow(), deny({ Condition })])).toMatchObject({
      allowed: false,
      why: expect.stringContaining('a Deny uses the condition operator StringMatches'),
    });
  });

  it('what uses a policy variable in a resource', () => {
    const Resource = '$' + '{aws:PrincipalArn}/*';
    expect(ask([allow({ NotResource: Resource, Resource: undefined })])).toMatchObject({
      why: expect.stringContaining('policy variable'),
    });
  });
});

it.each([
  ['no statement', { Statement: [] }],
  ['an unknown effect', { Statement: allow({ Effect: 'Maybe' }) }],
  ['no action', { Statement: allow({ Action: undefined }) }],
  ['an action beside NotAction', { Statement: allow({ NotAction: 'a:b' }) }],
  ['a condition that is no object', { Statement: allow({ Condition: 'yes' }) }],
])('a document with %s is malformed', (_what, document) => {
  expect(() => readPolicy(document)).toThrow(MalformedPolicy);
});
