import { Template } from 'aws-cdk-lib/assertions';
import { User } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleTargetInput,
} from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { App, Stack } from 'aws-cdk-lib/core';
import { describe, expect, it } from 'vitest';
import { TEST_BUNDLES } from '../test/support/bundles.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { Midturn, MidturnAuth, type MidturnProps } from './index.ts';
import { functionNamed } from './testing.ts';

const PROPS = {
  model: 'demo',
  auth: MidturnAuth.none({ openToAnyone: true }),
  bundles: TEST_BUNDLES,
} as const satisfies MidturnProps;

function theirStack(): Stack {
  const context = { '@aws-cdk/core:validateAgainstDefaultRules': false };
  return new Stack(new App({ context, outdir: temporaryFolder() }), 'Theirs');
}

describe('messages from outside', () => {
  it('cost nothing where nobody asks for them: no function, no queue, no alarm', () => {
    const stack = theirStack();
    const chat = new Midturn(stack, 'Chat', PROPS);
    expect(chat.functions).not.toHaveProperty('send');
    expect(chat.queues).not.toHaveProperty('deadSend');
    expect(chat.alarms).not.toHaveProperty('DeadMessages');
    for (const use of [() => chat.sendFunction, () => chat.grantSendMessage(chat.functions.turn)])
      expect(use).toThrow('MIDTURN_OUTSIDE_MESSAGES is not set: with the prop outsideMessages: true');
  });

  it('are sent by those who are granted it, who may invoke that function and no version of another', () => {
    const stack = theirStack();
    const chat = new Midturn(stack, 'Chat', { ...PROPS, outsideMessages: true });
    const webhook = new LambdaFunction(stack, 'Webhook', {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: Code.fromInline('export const handler = async () => {};'),
    });
    chat.grantSendMessage(webhook);
    const user = new User(stack, 'Service');
    chat.grantSendMessage(user);
    const template = Template.fromStack(stack);
    const policies = Object.values(template.findResources('AWS::IAM::Policy'));
    expect(policies.map(({ Properties }) => Properties.PolicyDocument.Statement)).toEqual(
      Array(2).fill([
        {
          Effect: 'Allow',
          Action: 'lambda:InvokeFunction',
          Resource: stack.resolve(chat.sendFunction.functionArn),
        },
      ]),
    );
    const [own] = Object.values(template.findResources('AWS::Lambda::Function')).filter(
      ({ Properties }) => Properties.Description === undefined,
    );
    expect(own?.Properties.Environment.Variables).toEqual({
      MIDTURN_SEND_FUNCTION: stack.resolve(chat.sendFunction.functionName),
    });
  });

  it('come on a schedule, whose time is their id: it stays the same in each of Scheduler’s tries', () => {
    const stack = theirStack();
    const chat = new Midturn(stack, 'Chat', { ...PROPS, outsideMessages: true });
    const message = { id: `briefing-${ContextAttribute.scheduledTime}`, content: 'Prepare the briefing.' };
    new Schedule(stack, 'Briefing', {
      schedule: ScheduleExpression.cron({ hour: '8', minute: '0' }),
      target: new LambdaInvoke(chat.sendFunction, {
        input: ScheduleTargetInput.fromObject({
          subject: 'ann',
          session_id: 'briefing',
          create: true,
          message,
        }),
      }),
    });
    const [schedule] = Object.values(Template.fromStack(stack).findResources('AWS::Scheduler::Schedule'));
    expect(schedule?.Properties.Target.Arn).toEqual(stack.resolve(chat.sendFunction.functionArn));
    expect(JSON.parse(schedule?.Properties.Target.Input).message.id).toBe(
      'briefing-<aws.scheduler.scheduled-time>',
    );
  });

  it('that are not taken lie in a queue of their own, of which an alarm tells', () => {
    const stack = theirStack();
    const chat = new Midturn(stack, 'Chat', { ...PROPS, outsideMessages: true });
    const template = Template.fromStack(stack);
    const { queues, alarms } = chat;
    expect(functionNamed(template, 'send').Properties).toMatchObject({
      DeadLetterConfig: { TargetArn: stack.resolve(queues.deadSend?.queueArn) },
    });
    expect(alarms.DeadMessages).toBeDefined();
  });
});
