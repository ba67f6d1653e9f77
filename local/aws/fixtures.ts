import { readStack, type Stack } from '../template/stack.ts';
import type { Template, Value } from '../template/template.ts';

/** A stack of one function with these statements in its role, a table and a queue. */
export function stackOf(statements: readonly Value[], more: Template['Resources'] = {}, origin = ''): Stack {
  const PolicyDocument = { Version: '2012-10-17', Statement: statements };
  return readStack(
    {
      Resources: {
        Items: {
          Type: 'AWS::DynamoDB::Table',
          Properties: {
            KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
            AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
            BillingMode: 'PAY_PER_REQUEST',
          },
        },
        Letters: { Type: 'AWS::SQS::Queue' },
        WorkerRole: {
          Type: 'AWS::IAM::Role',
          Properties: { Policies: [{ PolicyName: 'Own', PolicyDocument }] },
        },
        Worker: {
          Type: 'AWS::Lambda::Function',
          Properties: { Role: { 'Fn::GetAtt': ['WorkerRole', 'Arn'] } },
        },
        ...more,
      },
    },
    { sqsEndpoint: origin },
  );
}

export const arnOf = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
