import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { MidturnProps } from './props.ts';

const RETENTION_DAYS = 30;

/** Logs hold no conversation, so they go with the stack. */
export function createLogGroup(scope: Construct, id: string, { logRetentionDays }: MidturnProps): LogGroup {
  return new LogGroup(scope, id, {
    retention: (logRetentionDays ?? RETENTION_DAYS) as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
