import { join } from 'node:path';
import { CfnOutput, Stack } from 'aws-cdk-lib';
import { CfnUserPoolGroup, ClientAttributes, StringAttribute, UserPool } from 'aws-cdk-lib/aws-cognito';
import { AttributeType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { Midturn, MidturnAuth, type MidturnProps } from 'midturn/cdk';

const here = (path: string): string => join(import.meta.dirname, path);

/** The shop: its orders, its users, its chat, and what the parcel service calls. */
export class Shop extends Stack {
  /** @param changes for tests: other props of the chat */
  constructor(scope: Construct, id: string, changes: Partial<MidturnProps> = {}) {
    super(scope, id);

    // The orders of all customers of all shops: a partition for each shop.
    const orders = new TableV2(this, 'Orders', {
      partitionKey: { name: 'shop', type: AttributeType.STRING },
      sortKey: { name: 'key', type: AttributeType.STRING },
    });

    // Users are made by an administrator, who writes the shop of each. No user can write it.
    const users = new UserPool(this, 'Users', {
      signInAliases: { email: true },
      customAttributes: { shop: new StringAttribute({ mutable: true }) },
    });
    new CfnUserPoolGroup(this, 'Staff', { userPoolId: users.userPoolId, groupName: 'staff' });
    const web = users.addClient('Web', {
      writeAttributes: new ClientAttributes().withStandardAttributes({ email: true }),
    });

    const chat = new Midturn(this, 'Chat', {
      agent: here('agent/agent.ts'),
      model: 'demo',
      pageFolder: here('page/dist'),
      // The ID token has the attributes of the user.
      auth: MidturnAuth.cognito(users, web, {
        tokenUse: 'id',
        tenantClaim: 'custom:shop',
        claims: ['email', 'cognito:groups'],
      }),
      outsideMessages: true,
      ...changes,
    });
    orders.grantReadWriteData(chat.functions.turn);
    chat.functions.turn.addEnvironment('ORDERS', orders.tableName);

    // The parcel service calls it when a parcel is on its way.
    const carrier = new LambdaFunction(this, 'Carrier', {
      runtime: Runtime.NODEJS_24_X,
      code: Code.fromAsset(here('carrier')),
      handler: 'index.handler',
      environment: { ORDERS: orders.tableName },
    });
    orders.grantReadData(carrier);
    chat.grantSendMessage(carrier);

    new CfnOutput(this, 'Url', { value: chat.url });
  }
}
