/** The project of somebody who has never seen this repository: the files of a shop. */

/**
 * Their app: tables, a bucket and a queue that the tools of their agent use, a function that takes from the queue, a table that the agent may
 * not use, and a stream, which is not here.
 */
export const APP = `
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, Table, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Midturn, MidturnAuth } from 'midturn/cdk';

const stack = new Stack(new App(), 'Shop');
const partitionKey = { name: 'id', type: AttributeType.STRING };
const orders = new TableV2(stack, 'Orders', { partitionKey });
const ledger = new Table(stack, 'Ledger', { partitionKey });
const invoices = new Bucket(stack, 'Invoices', { autoDeleteObjects: true, removalPolicy: RemovalPolicy.DESTROY });
const parcels = new Queue(stack, 'Parcels');
const shipper = new Function(stack, 'Shipper', {
  runtime: Runtime.NODEJS_24_X,
  code: Code.fromAsset('shipper'),
  handler: 'index.handler',
  environment: { ORDERS: orders.tableName },
});
shipper.addEventSource(new SqsEventSource(parcels));
orders.grantReadData(shipper);
new Stream(stack, 'Clicks');
const auth = MidturnAuth.tokens('shop/tokens');
const { functions } = new Midturn(stack, 'Chat', { agent: 'agent/agent.ts', model: 'demo', auth, maxSteps: 5 });
orders.grantReadWriteData(functions.turn);
functions.turn.addEnvironment('ORDERS', orders.tableName);
functions.turn.addEnvironment('LEDGER', ledger.tableName);
invoices.grantReadWrite(functions.turn);
functions.turn.addEnvironment('INVOICES', invoices.bucketName);
parcels.grantSendMessages(functions.turn);
functions.turn.addEnvironment('PARCELS', parcels.queueUrl);
`;

/** Their function. Lambda has the SDK; here it is that of their project. */
export const SHIPPER = `
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';

const client = new DynamoDBClient({});

export const handler = async ({ Records }) => {
  for (const { body } of Records) {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: process.env.ORDERS, Key: { id: { S: body } } }),
    );
    console.log('shipped ' + body + ' in ' + Item.colour.S);
  }
};
`;

/** Their agent. @param version is in its instructions and in what its tool answers */
export const agent = (version: string): string => `
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';
import { VERSION } from './version.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));

const order = tool({
  description: 'Orders an umbrella: ' + VERSION,
  inputSchema: z.object({ id: z.string(), colour: z.string() }),
  execute: async (item) => {
    await client.send(new PutCommand({ TableName: process.env.ORDERS, Item: item }));
    const { Item } = await client.send(new GetCommand({ TableName: process.env.ORDERS, Key: { id: item.id } }));
    return { version: '${version}', stored: Item?.colour };
  },
});

const book = tool({
  description: 'Looks into the ledger.',
  inputSchema: z.object({}),
  execute: async () => client.send(new GetCommand({ TableName: process.env.LEDGER, Key: { id: '1' } })),
});

const s3 = new S3Client({});
const sqs = new SQSClient({});

const ship = tool({
  description: 'Ships an order, with its invoice.',
  inputSchema: z.object({ id: z.string() }),
  execute: async ({ id }) => {
    const invoice = { Bucket: process.env.INVOICES, Key: 'of/' + id };
    await s3.send(new PutObjectCommand({ ...invoice, Body: '12 euros' }));
    await sqs.send(new SendMessageCommand({ QueueUrl: process.env.PARCELS, MessageBody: id }));
    const { Body } = await s3.send(new GetObjectCommand(invoice));
    return { invoice: await Body?.transformToString() };
  },
});

export const agent = defineAgent({
  instructions: 'You sell umbrellas, version ${version}.',
  tools: { order: { tool: order, idempotent: true }, book: { tool: book, idempotent: true }, ship: { tool: ship, idempotent: true } },
});
`;

/** A page of theirs: it says one thing and prints the answer. The renderer needs no browser. */
export const PAGE = `
import { useMidturn } from 'midturn-client/react';
import { createElement, useEffect, version } from 'react';
import { create } from 'react-test-renderer';
import { WebSocket } from 'ws';

function Page() {
  const { state, send } = useMidturn('page', { url: process.env.CHAT_URL, WebSocket });
  useEffect(() => {
    send('hello');
  }, [send]);
  const answer = state.items.filter(({ kind }) => kind === 'text').map(({ content }) => content).join('');
  const isOver = answer !== '' && !state.activeTurn;
  useEffect(() => {
    if (!isOver) return;
    console.log('React ' + version + ' on Node ' + process.versions.node + ': ' + answer);
    page.unmount();
  }, [isOver, answer]);
  return createElement('p', null, answer);
}

const page = create(createElement(Page));
`;
