import { describe, expect, it } from 'vitest';
import { evaluatePolicy } from './policy.ts';

const ARN = 'arn:aws:execute-api:eu-central-1:123456789012:abc123def4/local/$connect';

function statement(fields: object) {
  return { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: ARN, ...fields };
}

function decide(...statements: unknown[]) {
  return evaluatePolicy({ Version: '2012-10-17', Statement: statements }, ARN);
}

describe('an authorizer policy', () => {
  it.each([
    ['the very resource', {}],
    ['a wildcard for everything', { Resource: '*' }],
    ['a wildcard within the ARN', { Resource: 'arn:aws:execute-api:*:*:abc123def4/*' }],
    ['a question mark for one character', { Resource: ARN.replace('local', 'loca?') }],
    ['one of several resources', { Resource: ['arn:aws:execute-api:a:b:c/d/e', ARN] }],
    ['an action by wildcard', { Action: 'execute-api:*' }],
    ['an action in other case', { Action: ['Execute-Api:invoke'] }],
  ])('allows by %s', (_what, fields) => {
    expect(decide(statement(fields))).toBe('allow');
  });

  it.each([
    ['another action', { Action: 'execute-api:ManageConnections' }],
    ['another resource', { Resource: ARN.replace('local', 'prod') }],
    ['a resource that only contains the pattern', { Resource: 'abc123def4' }],
    ['a dot that is meant as a dot', { Resource: ARN.replace('aws', 'a.s') }],
    ['Deny', { Effect: 'Deny' }],
  ])('denies by %s', (_what, fields) => {
    expect(decide(statement(fields))).toBe('deny');
  });

  it('lets an explicit Deny win, wherever it stands', () => {
    expect(decide(statement({}), statement({ Effect: 'Deny', Resource: '*' }))).toBe('deny');
    expect(decide(statement({ Effect: 'Deny', Resource: '*' }), statement({}))).toBe('deny');
  });

  it('takes a single statement that is not in a list', () => {
    expect(evaluatePolicy({ Statement: statement({}) }, ARN)).toBe('allow');
  });

  it.each([
    ['nothing', undefined],
    ['no statement', { Statement: [] }],
    ['a statement that is no object', { Statement: ['Allow'] }],
    ['an unknown effect', { Statement: [statement({ Effect: 'allow' })] }],
    ['no action', { Statement: [statement({ Action: undefined })] }],
    ['no resource', { Statement: [statement({ Resource: undefined })] }],
    ['a condition, which is not evaluated', { Statement: [statement({ Condition: { Bool: { a: true } } })] }],
    ['NotAction', { Statement: [{ Effect: 'Allow', NotAction: 'a:b', Resource: ARN }] }],
    ['NotResource', { Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', NotResource: 'a' }] }],
    ['a principal', { Statement: [statement({ Principal: '*' })] }],
    ['NotPrincipal', { Statement: [statement({ NotPrincipal: { AWS: 'a' } })] }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: IAM's own syntax.
    ['a variable', { Statement: [statement({ Resource: [ARN, '${aws:username}'] })] }],
    ['one such statement among others', { Statement: [statement({}), statement({ Principal: '*' })] }],
  ])('calls %s malformed', (_what, document) => {
    expect(evaluatePolicy(document, ARN)).toBe('malformed');
  });
});
