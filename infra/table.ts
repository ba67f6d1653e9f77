import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Aws, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { PlainProps } from './plain-props.ts';

/** Creates the table, which contains all items. `expires` is in seconds since the epoch. */
export function createTable(
  scope: Construct,
  { removalPolicy = RemovalPolicy.RETAIN, tableKeyArn }: PlainProps,
): Table {
  return new Table(scope, 'Table', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: 'expires',
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
    removalPolicy,
    ...(tableKeyArn && {
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: Key.fromKeyArn(scope, 'TableKey', tableKeyArn),
    }),
  });
}

/** DynamoDB uses the key in the name of its caller: a role that uses the table must be allowed to use the key through it. */
export function tableKeyStatement(scope: Construct, keyArn: string): PolicyStatement {
  return new PolicyStatement({
    actions: ['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'ReEncryptFrom', 'ReEncryptTo'].map(
      (action) => `kms:${action}`,
    ),
    resources: [keyArn],
    conditions: {
      StringEquals: { 'kms:ViaService': `dynamodb.${Stack.of(scope).region}.${Aws.URL_SUFFIX}` },
    },
  });
}
