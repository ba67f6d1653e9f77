import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Access, Need } from '../aws/access.ts';
import { LocalCloudError, messageOf } from '../errors.ts';
import type { AsynchronousInvocations } from '../functions/asynchronous.ts';
import type { Log } from '../log.ts';
import { queueUrlOf } from '../queue-url.ts';
import { readProperties } from '../template/properties.ts';
import { isMap } from '../template/resolve.ts';
import type { Stack, StackResource } from '../template/stack.ts';
import type { Value } from '../template/template.ts';
import { inputOf } from './input.ts';
import { compilePattern } from './pattern.ts';

export const DEFAULT_BUS = 'default';

/** A rule of an event bus, and where it sends what matches. */
export interface BusRule {
  bus: string;
  matches(event: Value): boolean;
  /** Resolves when every target has it, or has failed for good, which is logged. */
  deliver(event: Value): Promise<void>;
}

/** What rules deliver to, as whom. */
export interface Targets {
  stack: Stack;
  /** How functions get events. */
  asynchronous: AsynchronousInvocations;
  queues: SQSClient;
  access: Access;
  log: Log;
}

/** Name of the bus that a name or an ARN means. */
export const busName = (nameOrArn: string): string => nameOrArn.split('/').at(-1) ?? nameOrArn;

/**
 * Reads the template's rules that have a pattern. A schedule is named once, and is not here.
 * @throws {LocalCloudError} for a pattern or a target that is not here
 */
export function readRules(targets: Targets): BusRule[] {
  const { stack, log } = targets;
  return stack
    .ofType('AWS::Events::Rule')
    .filter(({ properties }) => properties.optionalText('State') !== 'DISABLED')
    .flatMap((rule) => {
      const { logicalId, properties } = rule;
      const schedule = properties.optionalText('ScheduleExpression');
      if (schedule !== undefined) {
        const text = `The local cloud has no clock for ${logicalId} (${schedule}): nothing invokes its targets.`;
        log({ level: 'error', source: 'stack', text });
      }
      if (!Object.hasOwn(properties.all, 'EventPattern')) return [];
      return [readRule(targets, rule)];
    });
}

function readRule(targets: Targets, rule: StackResource): BusRule {
  const { logicalId, properties } = rule;
  const deliveries = properties.list('Targets').map((target) => deliveryOf(targets, rule, target));
  return {
    bus: busName(properties.optionalText('EventBusName') ?? DEFAULT_BUS),
    matches: compilePattern(logicalId, properties.all.EventPattern ?? null),
    async deliver(event) {
      await Promise.all(deliveries.map((deliver) => deliver(event)));
    },
  };
}

type Delivery = (event: Value) => Promise<void>;

function deliveryOf(targets: Targets, rule: StackResource, target: Value): Delivery {
  const { stack, log } = targets;
  if (!isMap(target)) throw new LocalCloudError(`${rule.logicalId}: a target is an object.`);
  const properties = readProperties(`${rule.logicalId}.Targets`, target);
  const arn = properties.text('Arn');
  const send = senderTo(targets, stack.attribute(rule, 'Arn'), arn, properties.nested('SqsParameters'));
  if (!send) {
    const text = `The local cloud has no target ${arn} of ${rule.logicalId}: functions and queues are here.`;
    log({ level: 'error', source: 'stack', text });
    return async () => {};
  }
  return async (event) => {
    try {
      await send(inputOf(properties, event));
    } catch (error) {
      const text = `${rule.logicalId}: ${arn} did not take the event: ${messageOf(error)}`;
      log({ level: 'error', source: 'EventBridge', text });
    }
  };
}

/** @returns undefined for a target that is no function and no queue of the template */
function senderTo(
  { stack, asynchronous, queues, access }: Targets,
  sourceArn: string,
  arn: string,
  sqs: ReturnType<typeof readProperties>,
): ((input: string) => Promise<void>) | undefined {
  const hasArn = (resource: StackResource) => stack.attribute(resource, 'Arn') === arn;
  const demand = (service: string, operation: string, need: Need) => {
    const caller = {
      kind: 'service',
      name: 'EventBridge',
      service: 'events.amazonaws.com',
      sourceArn,
    } as const;
    const attempt = access.attempt(caller, { by: 'platform', service, operation, needs: [need] });
    attempt.done({ requestBytes: 0, responseBytes: 0 });
    if (!attempt.allowed)
      throw new LocalCloudError(`no permission of it lets EventBridge call it from there`);
  };
  const fn = stack.ofType('AWS::Lambda::Function').find(hasArn);
  if (fn) {
    return async (input) => {
      demand('lambda', 'Invoke', { action: 'lambda:InvokeFunction', resource: arn });
      await asynchronous.invoke(fn, JSON.parse(input));
    };
  }
  const queue = stack.ofType('AWS::SQS::Queue').find(hasArn);
  if (!queue) return undefined;
  const group = sqs.optionalText('MessageGroupId');
  return async (input) => {
    demand('sqs', 'SendMessage', { action: 'sqs:SendMessage', resource: arn });
    await queues.send(
      new SendMessageCommand({
        QueueUrl: await queueUrlOf(queues, stack, queue),
        MessageBody: input,
        ...(group !== undefined && { MessageGroupId: group }),
      }),
    );
  };
}
