import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { STACK_SETTINGS } from '../config/settings/table.ts';
import type { MidturnProps } from './props.ts';

/** Logs contain no conversations, so they are deleted with the stack. */
export function createLogGroup(scope: Construct, id: string, { logRetentionDays }: MidturnProps): LogGroup {
  return new LogGroup(scope, id, {
    retention: (logRetentionDays ?? STACK_SETTINGS.logRetentionDays.default) as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
