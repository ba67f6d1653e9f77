import { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { STACK_SETTINGS } from '../config/settings/table.ts';
import type { PlainProps } from './plain-props.ts';

/**
 * Logs contain no conversations, so they are deleted with the stack. CloudWatch Logs uses a key in its own name: writers and
 * roles need no permission for it, the key's policy must name the service. Source:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
export function createLogGroup(
  scope: Construct,
  id: string,
  { logRetentionDays, logKeyArn }: PlainProps,
): LogGroup {
  return new LogGroup(scope, id, {
    retention: (logRetentionDays ?? STACK_SETTINGS.logRetentionDays.default) as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
    ...(logKeyArn && { encryptionKey: Key.fromKeyArn(scope, `${id}Key`, logKeyArn) }),
  });
}
