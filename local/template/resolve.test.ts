import { describe, expect, it } from 'vitest';
import { createResolver } from './resolve.ts';
import type { Template, Value } from './template.ts';

const template: Template = {
  Resources: {},
  Parameters: { Colour: { Type: 'String', Default: 'blue' }, Unset: { Type: 'String' } },
  Conditions: {
    Blue: { 'Fn::Equals': [{ Ref: 'Colour' }, 'blue'] },
    Red: { 'Fn::Equals': [{ Ref: 'Colour' }, 'red'] },
    Neither: { 'Fn::Not': [{ 'Fn::Or': [{ Condition: 'Blue' }, { Condition: 'Red' }] }] },
  },
  Mappings: { Sizes: { blue: { width: 3 } } },
};

const { resolve, condition } = createResolver(template, {
  pseudo: { 'AWS::Region': 'us-east-1' },
  ref: (id) => `ref-${id}`,
  attribute: (id, name) => `${name}-of-${id}`,
});

describe('intrinsic functions', () => {
  it.each<[Value, Value]>([
    [{ Ref: 'Table' }, 'ref-Table'],
    [{ Ref: 'AWS::Region' }, 'us-east-1'],
    [{ Ref: 'Colour' }, 'blue'],
    [{ 'Fn::GetAtt': ['Queue', 'Arn'] }, 'Arn-of-Queue'],
    [{ 'Fn::GetAtt': 'Queue.Arn' }, 'Arn-of-Queue'],
    [{ 'Fn::GetAtt': 'Queue.Nested.Arn' }, 'Nested.Arn-of-Queue'],
    [{ 'Fn::GetAtt': ['Queue', 'Nested.Arn'] }, 'Nested.Arn-of-Queue'],
    [{ 'Fn::Sub': `<$\{AWS::NoValue}>$\{Q.A.B}` }, '<>A.B-of-Q'],
    [{ 'Fn::And': [{ Condition: 'Blue' }, { Condition: 'Blue' }] }, true],
    [{ 'Fn::And': [{ Condition: 'Blue' }, { Condition: 'Red' }] }, false],
    [{ 'Fn::Or': [{ Condition: 'Blue' }, { Condition: 'Red' }] }, true],
    [{ 'Fn::Or': [{ Condition: 'Red' }] }, false],
    [{ 'Fn::Equals': [{ a: [1] }, { a: [1] }] }, true],
    [{ 'Fn::Base64': 'é' }, 'w6k='],
    [
      { Ref: 'A', Other: 1 },
      { Ref: 'A', Other: 1 },
    ],
    [{ 'Fn::Join': [':', ['arn', { Ref: 'A' }, 1]] }, 'arn:ref-A:1'],
    [{ 'Fn::Sub': `$\{A}/$\{Q.Arn}/$\{!kept}` }, `ref-A/Arn-of-Q/$\{kept}`],
    [{ 'Fn::Sub': [`$\{x}-$\{AWS::Region}`, { x: { Ref: 'X' } }] }, 'ref-X-us-east-1'],
    [{ 'Fn::Select': [1, { 'Fn::Split': [':', 'a:b:c'] }] }, 'b'],
    [{ 'Fn::Select': ['0', ['first', 'second']] }, 'first'],
    [{ 'Fn::If': ['Blue', 'yes', 'no'] }, 'yes'],
    [{ 'Fn::If': ['Red', 'yes', { Ref: 'B' }] }, 'ref-B'],
    [{ 'Fn::FindInMap': ['Sizes', { Ref: 'Colour' }, 'width'] }, 3],
    [{ 'Fn::Base64': 'hi' }, 'aGk='],
  ])('%j', (value, expected) => {
    expect(resolve(value)).toEqual(expected);
  });

  it('leave out what has no value, wherever it stands', () => {
    const none = { Ref: 'AWS::NoValue' };
    expect(resolve({ a: none, b: [1, none, 2], c: { 'Fn::If': ['Red', 1, none] } })).toEqual({ b: [1, 2] });
  });

  it('do not mistake the conditions of a policy for their own', () => {
    const statement = { Condition: { StringEquals: { key: { Ref: 'A' } } } };
    expect(resolve(statement)).toEqual({ Condition: { StringEquals: { key: 'ref-A' } } });
  });

  it.each<[Value, string]>([
    [{ 'Fn::ImportValue': 'x' }, 'does not know Fn::ImportValue'],
    [{ Ref: 'AWS::NotificationARNs' }, 'does not know AWS::NotificationARNs'],
    [{ Ref: 'Unset' }, 'Parameter Unset has no value'],
    [{ 'Fn::Select': [5, ['a']] }, 'nothing at 5'],
    [{ 'Fn::If': ['Green', 1, 2] }, 'no condition Green'],
    [{ 'Fn::FindInMap': ['Sizes', 'red', 'width'] }, 'no Sizes.red.width'],
    [{ 'Fn::Join': ['-', 'a'] }, 'Fn::Join: "a" is not a list'],
    [{ 'Fn::Join': ['-', [['a']]] }, 'Fn::Join: ["a"] is not a string'],
    [{ 'Fn::Split': ['-', ['a']] }, 'Fn::Split: ["a"] is not a string'],
    [{ Ref: ['A'] }, 'Ref: ["A"] is not a string'],
  ])('refuse what has no meaning here: %j', (value, complaint) => {
    expect(() => resolve(value)).toThrow(complaint);
  });
});

it('evaluates conditions over conditions', () => {
  expect([condition('Blue'), condition('Red'), condition('Neither')]).toEqual([true, false, false]);
});
