import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../log.ts';
import type { Template, Value } from '../template/template.ts';
import { type Access, createAccess } from './access.ts';
import { functionCaller } from './caller.ts';
import { arnOf, stackOf } from './fixtures.ts';
import { readRoles } from './roles.ts';

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/Midturn-Items';
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:Midturn-Letters';
const READS: Value = {
  Effect: 'Allow',
  Action: ['dynamodb:GetItem', 'dynamodb:Query'],
  Resource: arnOf('Items'),
};

function given(statements: readonly Value[] = [READS], more: Template['Resources'] = {}) {
  const stack = stackOf(statements, more);
  const logged: LogEntry[] = [];
  const access = createAccess(readRoles(stack), (entry) => logged.push(entry));
  const [resource] = stack.ofType('AWS::Lambda::Function');
  if (!resource) throw new Error('no function');
  const caller = functionCaller(stack, resource, 'worker');
  const ask = (action: string, on = TABLE) => {
    const needs = [{ action, resource: on }];
    const attempt = access.attempt(caller, { by: 'function', service: 'x', operation: 'X', needs });
    attempt.done({ requestBytes: 1, responseBytes: 2 });
    return attempt.allowed;
  };
  return { access, ask, caller, logged };
}

const SEND: Value = { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arnOf('Letters') };

describe('a role', () => {
  it('of somebody else’s template may have policies that the template only names: each is said, and is as if it were not there', () => {
    const lambda = { Service: 'lambda.amazonaws.com' };
    const stack = stackOf([READS], {
      Theirs: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: {
            Statement: [{ Effect: 'Allow', Principal: lambda, Action: 'sts:AssumeRole' }],
          },
          ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess'],
          PermissionsBoundary: 'arn:aws:iam::000000000000:policy/boundary',
        },
      },
      TheirFunction: { Type: 'AWS::Lambda::Function', Properties: { Role: arnOf('Theirs') } },
    });
    const told: string[] = [];
    expect(readRoles(stack, (text) => told.push(text)).statementsOf('Theirs')).toEqual([]);
    expect(told).toEqual([
      'Theirs: the local cloud does not know permissions boundaries. What it forbids is allowed here.',
      'Theirs: the local cloud does not know the policy arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess. What it allows is denied here.',
    ]);
    expect(() => readRoles(stack)).toThrow('Theirs: the local cloud does not know permissions boundaries.');
  });

  it('allows by its own policies, and by those that are attached to it', () => {
    const attached = { Roles: [{ Ref: 'WorkerRole' }], PolicyDocument: { Statement: [SEND] } };
    for (const Type of ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy']) {
      const { ask } = given([READS], { Attached: { Type, Properties: attached } });
      expect(ask('dynamodb:GetItem')).toBe(true);
      expect(ask('sqs:SendMessage', QUEUE)).toBe(true);
      expect(ask('sqs:SendMessage', `${QUEUE}2`)).toBe(false);
    }
  });

  it('with a policy that is not in the template cannot be judged', () => {
    const policy = 'arn:aws:iam::aws:policy/AdministratorAccess';
    const role = { Type: 'AWS::IAM::Role', Properties: { ManagedPolicyArns: [policy] } };
    expect(() => given([READS], { WorkerRole: role })).toThrow(`does not know the policy ${policy}`);
  });

  it('has what the policy of AWS allows that a function commonly has', () => {
    const policy = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
    const role = { Type: 'AWS::IAM::Role', Properties: { ManagedPolicyArns: [policy] } };
    const { ask } = given([READS], { WorkerRole: role });
    const group = 'arn:aws:logs:us-east-1:000000000000:log-group:Midturn-Worker:log-stream:a';
    expect([ask('logs:PutLogEvents', group), ask('dynamodb:GetItem')]).toEqual([true, false]);
  });

  it('with a malformed policy is refused by name', () => {
    expect(() => given([{ Effect: 'Perhaps' }])).toThrow(/^WorkerRole\/Own: Effect is "Perhaps"/);
  });
});

describe("a resource's policy", () => {
  const queuePolicy = (statement: Value) => ({
    OfQueue: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [{ Ref: 'Letters' }], PolicyDocument: { Statement: [statement] } },
    },
  });

  it('denies what a role allows', () => {
    const Deny = { Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: arnOf('Letters') };
    expect(given([SEND], queuePolicy(Deny)).ask('sqs:SendMessage', QUEUE)).toBe(false);
  });

  it('that demands a secure transport has it', () => {
    const Deny = {
      Effect: 'Deny',
      Principal: { AWS: '*' },
      Action: 'sqs:*',
      Resource: arnOf('Letters'),
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    };
    expect(given([SEND], queuePolicy(Deny)).ask('sqs:SendMessage', QUEUE)).toBe(true);
  });

  it('allows a role that it names, and no other', () => {
    const naming = (role: Value) => ({
      Effect: 'Allow',
      Principal: { AWS: role },
      Action: 'sqs:SendMessage',
      Resource: arnOf('Letters'),
    });
    const other = 'arn:aws:iam::000000000000:role/other';
    expect(given([READS], queuePolicy(naming(arnOf('WorkerRole')))).ask('sqs:SendMessage', QUEUE)).toBe(true);
    expect(given([READS], queuePolicy(naming(other))).ask('sqs:SendMessage', QUEUE)).toBe(false);
  });

  it('lets a service invoke a function from the source that it names', () => {
    const { access } = given([READS], {
      Invocation: {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          Action: 'lambda:InvokeFunction',
          FunctionName: arnOf('Worker'),
          Principal: 'apigateway.amazonaws.com',
          SourceArn: 'arn:aws:execute-api:us-east-1:000000000000:api/*/message',
        },
      },
    });
    const invocable = (service: string, source: string) =>
      access.mayBeAllowed(
        {
          kind: 'service',
          name: service,
          service,
          sourceArn: `arn:aws:execute-api:us-east-1:000000000000:api/${source}`,
        },
        {
          action: 'lambda:InvokeFunction',
          resource: 'arn:aws:lambda:us-east-1:000000000000:function:Midturn-Worker',
        },
      );
    expect(invocable('apigateway.amazonaws.com', 'prod/message')).toBe(true);
    expect(invocable('apigateway.amazonaws.com', 'prod/abort')).toBe(false);
    expect(invocable('events.amazonaws.com', 'prod/message')).toBe(false);
  });
});

describe('a permission', () => {
  const TO_ROOT = {
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::000000000000:root' },
    Action: 'sqs:SendMessage',
    Resource: arnOf('Letters'),
  };
  const OF_QUEUE = {
    OfQueue: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [{ Ref: 'Letters' }], PolicyDocument: { Statement: [TO_ROOT] } },
    },
  };

  it('for the whole account is one for each of its roles, and can be withheld', () => {
    const { access, ask } = given([READS], OF_QUEUE);
    expect(ask('sqs:SendMessage', QUEUE)).toBe(true);
    const giveBack = access.withhold('OfQueue[0]');
    expect(ask('sqs:SendMessage', QUEUE)).toBe(false);
    giveBack();
    expect(ask('sqs:SendMessage', QUEUE)).toBe(true);
  });

  it('is denied by the policy of a bucket too', () => {
    const Deny = { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::b/*' };
    const policy = {
      Type: 'AWS::S3::BucketPolicy',
      Properties: { Bucket: 'b', PolicyDocument: { Statement: [Deny] } },
    };
    const READ_ALL: Value = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' };
    expect(given([READ_ALL]).ask('s3:GetObject', 'arn:aws:s3:::b/k')).toBe(true);
    expect(given([READ_ALL], { OfBucket: policy }).ask('s3:GetObject', 'arn:aws:s3:::b/k')).toBe(false);
  });

  const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:Midturn-Worker';
  it.each([
    [{ ArnEquals: { 'lambda:SourceFunctionArn': FUNCTION } }, true],
    [{ ArnEquals: { 'lambda:SourceFunctionArn': `${FUNCTION}2` } }, false],
    [{ StringEquals: { 'aws:PrincipalAccount': '000000000000' } }, true],
    [{ StringEquals: { 's3:prefix': 'mine' } }, true],
    [{ StringEquals: { 's3:prefix': 'theirs' } }, false],
  ])('under the condition %j holds: %s', (Condition, allowed) => {
    const { access, caller } = given([{ ...Object(READS), Condition }]);
    const need = { action: 'dynamodb:GetItem', resource: TABLE, conditions: { 's3:prefix': 'mine' } };
    expect(access.mayBeAllowed(caller, need)).toBe(allowed);
  });

  it.each([
    ['000000000000', true],
    ['111111111111', false],
  ])('of a service for the account %s is one: %s', (SourceAccount, allowed) => {
    const { access } = given([READS], {
      Invocation: {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          Action: 'lambda:InvokeFunction',
          FunctionName: arnOf('Worker'),
          Principal: 'events.amazonaws.com',
          SourceAccount,
        },
      },
    });
    const service = 'events.amazonaws.com';
    const caller = {
      kind: 'service',
      name: 'EventBridge',
      service,
      sourceArn: 'arn:aws:events:a:b:rule/r',
    } as const;
    expect(access.mayBeAllowed(caller, { action: 'lambda:InvokeFunction', resource: FUNCTION })).toBe(
      allowed,
    );
  });

  it('counts only of a role that a function has', () => {
    const stack = stackOf([READS], { Other: { Type: 'AWS::IAM::Role', Properties: {} } });
    expect(readRoles(stack).names).toEqual(['WorkerRole']);
  });
});

describe('a denial', () => {
  it('names the first permission that is missing', () => {
    const { access, caller } = given();
    const needs = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem'].map((action) => ({
      action,
      resource: TABLE,
    }));
    const what = { by: 'function', service: 'dynamodb', operation: 'X', needs } as const;
    expect(access.attempt(caller, what).denied).toMatchObject({ action: 'dynamodb:PutItem' });
  });

  it('is told once for each function, action and resource, and counted', () => {
    const { ask, access, logged } = given();
    const connections = 'arn:aws:execute-api:us-east-1:000000000000:api/local/POST/@connections/';
    ask('dynamodb:PutItem');
    ask('dynamodb:PutItem');
    ask('execute-api:ManageConnections', `${connections}a`);
    ask('execute-api:ManageConnections', `${connections}b`);
    expect(logged).toEqual([
      {
        level: 'error',
        source: 'worker',
        text: `not authorized to perform dynamodb:PutItem on ${TABLE}: no statement allows it`,
      },
      {
        level: 'error',
        source: 'worker',
        text: `not authorized to perform execute-api:ManageConnections on ${connections}*: no statement allows it`,
      },
    ]);
    expect(access.denials()).toMatchObject([
      { function: 'worker', action: 'dynamodb:PutItem', resource: TABLE, count: 2 },
      { function: 'worker', action: 'execute-api:ManageConnections', count: 2 },
    ]);
  });
});

describe('a permission that is withheld', () => {
  it.each([
    ['as a whole statement', undefined, [false, false]],
    ['as one action', { action: 'dynamodb:GetItem' }, [false, true]],
    ['as the only resource', { resource: TABLE }, [false, false]],
  ] as const)('%s denies from the next call on, until it is given back', (_what, part, expected) => {
    const { access, ask } = given();
    const both = () => [ask('dynamodb:GetItem'), ask('dynamodb:Query')];
    expect(both()).toEqual([true, true]);
    const giveBack = access.withhold('WorkerRole/Own[0]', part);
    expect(both()).toEqual(expected);
    giveBack();
    expect(both()).toEqual([true, true]);
  });
});

describe('unused permissions', () => {
  const unused = ({ access }: { access: Access }) => access.unusedPermissions();

  it('are whole statements, actions and resources that no call needed', () => {
    const world = given([{ ...(READS as object), Resource: [arnOf('Items'), `${TABLE}/index/*`] }, SEND]);
    world.ask('dynamodb:GetItem');
    expect(unused(world)).toEqual([
      {
        role: 'WorkerRole',
        statement: 'WorkerRole/Own[0]',
        actions: ['dynamodb:Query'],
        resources: [`${TABLE}/index/*`],
        whole: false,
      },
      {
        role: 'WorkerRole',
        statement: 'WorkerRole/Own[1]',
        actions: ['sqs:SendMessage'],
        resources: [QUEUE],
        whole: true,
      },
    ]);
    world.ask('dynamodb:Query', `${TABLE}/index/byDay`);
    world.ask('sqs:SendMessage', QUEUE);
    expect(unused(world)).toEqual([]);
  });

  it('a denied call uses nothing', () => {
    const world = given([READS, { ...(READS as object), Effect: 'Deny' }]);
    world.ask('dynamodb:GetItem');
    expect(unused(world)).toMatchObject([{ statement: 'WorkerRole/Own[0]', whole: true }]);
  });
});

it('capacity is asked for while one observer wants it', () => {
  const { access } = given();
  const stops = [access.onCall(() => {}), access.onCall(() => {}, { capacity: true })];
  expect(access.wantsCapacity).toBe(true);
  stops[1]?.();
  expect(access.wantsCapacity).toBe(false);
});

it('an observer hears of each call, with the statement that decided, until it stops', () => {
  const { access, ask } = given();
  const heard: unknown[] = [];
  const stop = access.onCall((call) => heard.push(call));
  ask('dynamodb:GetItem');
  ask('dynamodb:PutItem');
  stop();
  ask('dynamodb:GetItem');
  expect(heard).toMatchObject([
    {
      function: 'worker',
      by: 'function',
      allowed: true,
      checks: [
        { action: 'dynamodb:GetItem', resource: TABLE, allowed: true, statement: 'WorkerRole/Own[0]' },
      ],
      requestBytes: 1,
      responseBytes: 2,
    },
    { allowed: false, checks: [{ action: 'dynamodb:PutItem', allowed: false }] },
  ]);
});
