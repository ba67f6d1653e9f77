import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

const lambda = new LambdaClient({});
const table = new DynamoDBClient({});

/** The parcel service says that the parcel of an order is on its way: the conversation in which it was ordered goes on. */
export async function handler({ shop, order }) {
  const { Items = [] } = await table.send(
    new QueryCommand({
      TableName: process.env.ORDERS,
      KeyConditionExpression: 'shop = :shop',
      FilterExpression: 'id = :id',
      ExpressionAttributeValues: { ':shop': { S: shop }, ':id': { S: order } },
    }),
  );
  const [found] = Items;
  if (!found) return { type: 'error', code: 'NO_SUCH_ORDER' };
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({
      FunctionName: process.env.MIDTURN_SEND_FUNCTION,
      Payload: JSON.stringify({
        tenant: shop,
        subject: found.customer.S,
        session_id: found.session.S,
        // The same id is the same message, however often the parcel service calls.
        message: {
          id: `parcel-${order}`.slice(0, 60),
          content: `The parcel with ${found.count.N} ${found.item.S} is on its way.`,
        },
      }),
    }),
  );
  const answer = JSON.parse(Buffer.from(Payload).toString());
  if (FunctionError) throw new Error(answer.errorType);
  return answer;
}
