import { CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { acknowledge } from './nag.ts';

/**
 * Sets the role with which API Gateway writes the logs of all APIs of this account and region. Without such a role, a
 * WebSocket stage with an access log is refused ("CloudWatch Logs role ARN must be set in account settings"). The role stays
 * when the stack is deleted, because other APIs may use it by then. One of a stack is enough: the setting is the account's.
 */
export function createAccountLogsRole(scope: Construct): CfnAccount {
  const present = Stack.of(scope)
    .node.findAll()
    .find((one) => one instanceof CfnAccount);
  if (present) return present;
  const role = new Role(scope, 'ApiLogsRole', {
    description: 'API Gateway writes the logs of this account and region.',
    assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
    managedPolicies: [
      ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs'),
    ],
  });
  role.applyRemovalPolicy(RemovalPolicy.RETAIN);
  acknowledge(role, {
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
      'The role is for every API of the account, and API Gateway refuses a role with fewer permissions.',
  });
  const account = new CfnAccount(scope, 'ApiAccount', { cloudWatchRoleArn: role.roleArn });
  account.applyRemovalPolicy(RemovalPolicy.RETAIN);
  return account;
}
