import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { newAccessKey } from '../../local/aws/access-key.ts';
import { readBody, replay } from '../../local/aws/json-body.ts';
import { isSignedBy, readSignature } from '../../local/aws/signature.ts';
import { startTables } from '../../local/tables.ts';
import { REGION } from '../../local/world.ts';
import { toXml } from '../emulator/xml.ts';

/**
 * An AWS account on loopback, apart from any local cloud: it takes only requests that are signed by one profile's credentials, for
 * its own region, and are for the service that they are signed for.
 */
export interface AwsAccountStandIn {
  /** With which a program finds the account and the profile. It has no credentials. */
  environment: Readonly<Record<string, string>>;
  /** Asks its DynamoDB as its owner. */
  dynamodb: DynamoDBClient;
  /** What its services were asked, in order: `dynamodb PutItem`. */
  asked: readonly string[];
  /** What it has refused since the start. */
  refused: readonly string[];
  /** The credentials that the profile's file has are refused from now on. */
  expire(): void;
  /** Writes new credentials into the profile's file, as a sign-in does. */
  signIn(): Promise<void>;
  close(): Promise<void>;
}

interface Content {
  /** Physical ids by logical ids, by stacks. */
  stacks?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `SecretString` by name. */
  secrets?: Readonly<Record<string, string>>;
}

export const ACCOUNT_ID = '111122223333';
export const ACCOUNT_REGION = 'eu-west-1';
const PROFILE = 'umbrella';
const VARIABLES = ['DYNAMODB', 'SECRETS_MANAGER', 'BEDROCK_RUNTIME', 'STS', 'CLOUDFORMATION'];

/** @param folder for the profile's files */
export async function startAwsAccount(
  folder: string,
  { stacks = {}, secrets = {} }: Content = {},
): Promise<AwsAccountStandIn> {
  const asked: string[] = [];
  const refused: string[] = [];
  let key = newAccessKey();
  let token = '';
  let isExpired = false;
  const owner = newAccessKey();
  const tables = await startTables(undefined, () => {}, owner);
  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await readBody(request)) ?? Buffer.alloc(0);
    const signature = readSignature(request);
    const service = signature?.service ?? 'nobody';
    const no = (code: string) => {
      refused.push(`${service} ${code}`);
      const problem = { Type: 'Sender', Code: code, Message: `no: ${code}` };
      const isJson = request.headers.accept === 'application/json' || request.headers['x-amz-target'];
      response.writeHead(isJson ? 400 : 403);
      if (!isJson) response.end(`<ErrorResponse>${toXml({ Error: problem })}</ErrorResponse>`);
      else response.end(JSON.stringify({ __type: code, Error: problem, message: `no: ${code}` }));
    };
    if (signature?.accessKeyId !== key.accessKeyId) return no('UnrecognizedClientException');
    if (signature.region !== ACCOUNT_REGION) return no('SignatureDoesNotMatch');
    if (request.headers['x-amz-security-token'] !== token) return no('InvalidClientTokenId');
    if (!isSignedBy(key.secretAccessKey, request, body, signature)) return no('SignatureDoesNotMatch');
    if (isExpired) return no('ExpiredTokenException');
    const form = new URLSearchParams(body.toString());
    const operation = String(request.headers['x-amz-target'] ?? form.get('Action') ?? request.url)
      .split('.')
      .at(-1);
    asked.push(`${service} ${operation}`);
    switch (service) {
      case 'dynamodb':
        return tables.handle(replay(request, body), response);
      case 'secretsmanager': {
        const { SecretId } = JSON.parse(body.toString());
        const SecretString = secrets[SecretId];
        if (SecretString === undefined) return no('ResourceNotFoundException');
        return void response.end(JSON.stringify({ Name: SecretId, SecretString }));
      }
      case 'bedrock':
        // The rest comes when the caller has asked for something else.
        response.write(`first of ${request.url}`);
        server.once('request', () => response.end(', second'));
        return;
      case 'sts': {
        const GetCallerIdentityResult = {
          Account: ACCOUNT_ID,
          Arn: `arn:aws:iam::${ACCOUNT_ID}:user/ada`,
          UserId: 'AIDA',
        };
        return void response.end(JSON.stringify({ GetCallerIdentityResponse: { GetCallerIdentityResult } }));
      }
      case 'cloudformation': {
        const stack = stacks[form.get('StackName') ?? ''];
        if (!stack) {
          const problem = { Code: 'ValidationError', Message: 'Stack with id X does not exist' };
          response.writeHead(400).end(`<ErrorResponse>${toXml({ Error: problem })}</ErrorResponse>`);
          return;
        }
        const StackResourceSummaries = Object.entries(stack).map(
          ([LogicalResourceId, PhysicalResourceId]) => ({
            LogicalResourceId,
            PhysicalResourceId,
            ResourceType: 'AWS::DynamoDB::Table',
            ResourceStatus: 'UPDATE_COMPLETE',
            LastUpdatedTimestamp: '2026-01-01T00:00:00Z',
          }),
        );
        const result = toXml({ ListStackResourcesResult: { StackResourceSummaries } });
        return void response.end(`<ListStackResourcesResponse>${result}</ListStackResourcesResponse>`);
      }
      default:
        return no('UnknownService');
    }
  }

  const files = { config: join(folder, 'aws-config'), credentials: join(folder, 'aws-credentials') };
  const signIn = async () => {
    key = newAccessKey();
    token = newAccessKey().secretAccessKey;
    isExpired = false;
    const lines = [
      `[${PROFILE}]`,
      `aws_access_key_id = ${key.accessKeyId}`,
      `aws_secret_access_key = ${key.secretAccessKey}`,
      `aws_session_token = ${token}`,
    ];
    await writeFile(files.credentials, `${lines.join('\n')}\n`);
  };
  await signIn();
  await writeFile(files.config, `[profile ${PROFILE}]\nregion = ${ACCOUNT_REGION}\n`);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dynamodb = new DynamoDBClient({ endpoint: tables.endpoint, region: REGION, credentials: owner });
  return {
    environment: {
      ...Object.fromEntries(VARIABLES.map((name) => [`AWS_ENDPOINT_URL_${name}`, url])),
      AWS_CONFIG_FILE: files.config,
      AWS_SHARED_CREDENTIALS_FILE: files.credentials,
      AWS_PROFILE: PROFILE,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    dynamodb,
    asked,
    refused,
    expire() {
      isExpired = true;
    },
    signIn,
    async close() {
      dynamodb.destroy();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await Promise.all([closed, tables.close()]);
    },
  };
}
