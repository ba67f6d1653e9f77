import type { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Annotations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { callbackUrl, connectionsArns, createApi, createRoutes } from './api.ts';
import { createFunctions, type Functions, turnTimeout } from './functions.ts';
import { createQueues, type Queues } from './queues.ts';
import { checkProps, type MidturnProps } from './settings.ts';
import { createTable } from './table.ts';

export type { MidturnProps } from './settings.ts';

/**
 * A whole Midturn: WebSocket API, functions, table and queues.
 *
 *     new Midturn(this, 'Midturn', { model: 'bedrock:eu.anthropic.claude-sonnet-4-5', auth: 'jwt', jwtIssuer, jwtAudience });
 */
export class Midturn extends Construct {
  readonly api: WebSocketApi;
  readonly stage: WebSocketStage;
  readonly table: Table;
  readonly queues: Queues;
  readonly functions: Functions;
  /** Where clients connect: `wss://…/{stage}`. */
  readonly url: string;

  /** @throws {SettingError} naming the first prop that cannot be, by its setting's name. */
  constructor(scope: Construct, id: string, props: MidturnProps) {
    super(scope, id);
    checkProps(props);
    const stageName = props.stageName ?? 'prod';
    this.table = createTable(this, props.removalPolicy);
    this.queues = createQueues(this, turnTimeout(props));
    this.api = createApi(this);
    this.functions = createFunctions(this, props, {
      table: this.table,
      queues: this.queues,
      connectionsArns: connectionsArns(this.api, stageName),
      managementEndpoint: props.managementEndpoint ?? callbackUrl(this.api, stageName),
    });
    this.stage = createRoutes(this.api, this.functions, stageName);
    this.url = this.stage.url;
    this.#warnOfPlainSecrets(props);
  }

  #warnOfPlainSecrets(props: MidturnProps): void {
    const plain = { modelApiKey: 'modelApiKeySecret', tokens: 'tokensSecret' } as const;
    for (const [prop, better] of Object.entries(plain) as [keyof typeof plain, string][]) {
      if (!props[prop]) continue;
      Annotations.of(this).addWarningV2(
        `midturn:${prop}`,
        `${prop} stands in the template for everybody who can read it: outside the local cloud, use ${better}.`,
      );
    }
  }
}
