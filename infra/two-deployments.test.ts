import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { SettingError } from '../config/settings/setting.ts';
import { stackNameOf } from './stack-name.ts';
import { createStack } from './testing.ts';

/** Everything that has a name, and can be there twice in an account. */
const ALL = {
  page: true,
  nameQueues: true,
  alarmTopicArn: 'arn:aws:sns:eu-west-1:111122223333:ops',
  model: 'bedrock:eu.anthropic.some-model',
} as const;

/** Names that are unique within something of the stack: an API, a role, a table, a function's environment. */
const INNER = [
  'AWS::ApiGatewayV2::Authorizer Name',
  'AWS::ApiGatewayV2::Stage StageName',
  'AWS::DynamoDB::Table AttributeDefinitions.AttributeName',
  'AWS::DynamoDB::Table KeySchema.AttributeName',
  'AWS::DynamoDB::Table TimeToLiveSpecification.AttributeName',
  'AWS::IAM::Policy PolicyName',
  'AWS::IAM::Role Policies.PolicyName',
];
/** Names of what an alarm watches. */
const METRIC = /^AWS::CloudWatch::Alarm (.*\.)?(MetricName|Dimensions\.Name)$/;
/** Resources that an account has once, and not once in each region. */
const GLOBAL = /^AWS::(CloudFront|IAM|S3|Route53)::/;

/** Names that are written down in the template of a stack: `type path`, and the name. */
function namesIn(stackName: string): { of: string; name: string }[] {
  const { Resources } = Template.fromStack(createStack(ALL, [], stackName)).toJSON();
  const collect = (value: unknown, of: string): { of: string; name: string }[] => {
    if (Array.isArray(value)) return value.flatMap((one) => collect(one, of));
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, one]) => {
      const path = of.endsWith(' ') ? `${of}${key}` : `${of}.${key}`;
      return /Name$/.test(key) && typeof one === 'string' ? [{ of: path, name: one }] : collect(one, path);
    });
  };
  return Object.values<{ Type: string; Properties?: object }>(Resources)
    .flatMap(({ Type, Properties }) => collect(Properties, `${Type} `))
    .filter(({ of }) => !INNER.includes(of) && !METRIC.test(of));
}

describe('two stacks in one account', () => {
  it('have no name in common', () => {
    const first = namesIn('Chat');
    const second = namesIn('Chat-dev').map(({ name }) => name);
    // The queues and the API, which are named after the stack: otherwise there was nothing to compare.
    expect(first.length).toBeGreaterThanOrEqual(5);
    expect(first.filter(({ name }) => second.includes(name))).toEqual([]);
  });

  it('of one name in two regions have no name of an account’s own in common', () => {
    expect(namesIn('Chat').filter(({ of }) => GLOBAL.test(of))).toEqual([]);
  });
});

it.each(['a.b', '1st', 'a b', '', 'x'.repeat(129)])(
  'a Midturn cannot be named "%s", as no queue or metric can be',
  (name) => {
    expect(() => createStack({ name })).toThrow(`name is "${name}": it must be`);
  },
);

describe('the stack’s name', () => {
  const nameOf = (settings: Record<string, string>) => stackNameOf((name) => settings[name]);

  it('has the stage in it, so that no stage replaces another', () => {
    expect(nameOf({})).toBe('Midturn');
    expect(nameOf({ MIDTURN_STAGE: 'prod' })).toBe('Midturn');
    expect(nameOf({ MIDTURN_STAGE: 'dev' })).toBe('Midturn-dev');
    expect(nameOf({ MIDTURN_STACK_NAME: 'Chat' })).toBe('Chat');
    expect(nameOf({ MIDTURN_STACK_NAME: 'Chat', MIDTURN_STAGE: 'dev' })).toBe('Chat-dev');
  });

  it('has at most 128 characters', () => {
    const name = `N${'a'.repeat(99)}`;
    const of = (length: number) =>
      nameOf({ MIDTURN_STACK_NAME: name, MIDTURN_STAGE: 's'.repeat(length - name.length - 1) });
    expect(of(128)).toHaveLength(128);
    expect(() => of(129)).toThrow(SettingError);
  });

  it.each([
    [{ MIDTURN_STACK_NAME: '1st' }, 'MIDTURN_STACK_NAME is "1st"'],
    [{ MIDTURN_STAGE: 'my_stage' }, 'MIDTURN_STAGE is "my_stage": the stack is named after it'],
    [{ MIDTURN_STAGE: 'x'.repeat(128) }, 'MIDTURN_STAGE is "xxx'],
  ])('is one that CloudFormation accepts, or the setting is named: %o', (settings, complaint) => {
    expect(() => nameOf(settings)).toThrow(SettingError);
    expect(() => nameOf(settings)).toThrow(complaint);
  });
});
