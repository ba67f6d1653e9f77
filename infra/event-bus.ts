import { Stack, Token } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { SettingError } from '../config/settings/setting.ts';
import type { MidturnProps } from './props.ts';

/** The prop `eventBus` as its setting names it. `true` is the default bus. */
export function eventBusText(given: MidturnProps['eventBus']): string | undefined {
  if (given === undefined || given === false || given === '') return undefined;
  if (given === true) return 'default';
  if (typeof given !== 'string') return given.eventBusArn;
  if (Token.isUnresolved(given)) {
    throw new SettingError(
      'eventBus is a reference to the name of a bus: give the bus itself, or EventBus.fromEventBusName(…).',
    );
  }
  return given;
}

/** Of the bus with this name or ARN. Functions may put events there and nowhere else. */
export function eventBusArn(scope: Construct, bus: string): string {
  // A reference is one to the ARN: `eventBusText` makes no other.
  if (Token.isUnresolved(bus) || bus.startsWith('arn:')) return bus;
  return Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName: bus });
}
