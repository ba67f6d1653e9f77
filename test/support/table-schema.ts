import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';

/** Keys and billing of the stack's table, for tests that make a table without the stack. */
export const tableSchema = () =>
  ({
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
  }) satisfies Partial<CreateTableCommandInput>;
