import type { HttpApi, IDomainName, WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Distribution } from 'aws-cdk-lib/aws-cloudfront';
import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { type IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Annotations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { SettingError } from '../config/settings/setting.ts';
import { STACK_SETTINGS } from '../config/settings/table.ts';
import { type Alarms, createAlarms } from './alarms.ts';
import { connectionsArns, createApi, createRoutes, createStage, managementEndpoint } from './api.ts';
import { MidturnAuth } from './auth.ts';
import { createDashboard } from './dashboard.ts';
import { createDomain, domainAddress, mapDomain } from './domain.ts';
import { createEdge } from './edge.ts';
import { createFiles, filesOrigin } from './files.ts';
import { createFunctions, type Functions, turnTimeout } from './functions.ts';
import { createHttpApi, httpHost } from './http-api.ts';
import { describeLocally, plainProps } from './local-props.ts';
import { giveName } from './name.ts';
import { createPage } from './page.ts';
import type { PlainProps } from './plain-props.ts';
import { checkForms, namingProps } from './prop-forms.ts';
import type { MidturnProps } from './props.ts';
import { createQueues, type Queues } from './queues.ts';
import { checkProps, plainSecretsIn } from './settings.ts';
import { createTable } from './table.ts';
import { createUsers, type Users } from './users.ts';

/**
 * A whole Midturn: WebSocket API, functions, table, queues, dashboard and alarms.
 *
 *     const chat = new Midturn(this, 'Chat', {
 *       agent: 'agent/agent.ts',
 *       model: 'bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
 *       auth: MidturnAuth.cognito(userPool, client),
 *     });
 *     orders.grantReadData(chat.functions.turn); // what the agent's own tools need
 *     chat.functions.turn.addEnvironment('ORDERS', orders.tableName);
 *
 * A stack can contain several: their metrics differ in `name`.
 */
export class Midturn extends Construct {
  readonly api: WebSocketApi;
  readonly stage: WebSocketStage;
  readonly domain: IDomainName | undefined;
  /** The user pool that `MidturnAuth.newUserPool()` has made. */
  readonly users: Users | undefined;
  readonly table: Table;
  readonly queues: Queues;
  /** What users and tools give to sessions. Undefined if `fileBytes` is 0. */
  readonly files: Bucket | undefined;
  readonly functions: Functions;
  /** All of them, or none if `alarms` is `false`. */
  readonly alarms: Alarms;
  /** Gets the alarms, if the props name it. For another target, add actions to `alarms`. */
  readonly alarmTopic: ITopic | undefined;
  readonly dashboard: Dashboard;
  /** In front of the API, if `edge` is set. */
  readonly edge: Distribution | undefined;
  /** Where clients connect: `wss://…/{stage}`, `wss://{domain}[/{mappingKey}]`, or `wss://{edge}`. */
  readonly url: string;
  /** Beside the WebSocket API, if `httpApi` is set. */
  readonly httpApi: HttpApi | undefined;
  /** Where it is: `https://…`, to which a path such as `/api/sessions` is added. */
  readonly httpUrl: string | undefined;
  /** Where its connections are posted to and closed. */
  readonly managementEndpoint: string;
  /** Serves the page, if it is deployed. */
  readonly page: Distribution | undefined;

  /** @throws {SettingError} for the first prop whose value cannot be used, by its name and its setting's */
  constructor(scope: Construct, id: string, given: MidturnProps) {
    super(scope, id);
    checkForms(given);
    const { auth, name } = given;
    giveName(this, name);
    this.users =
      auth instanceof MidturnAuth && auth.newUsers
        ? createUsers(this, auth.newUsers, given.removalPolicy)
        : undefined;
    const props = namingProps(() => {
      const plain = plainProps(this, given, this.users);
      checkProps(plain);
      return plain;
    });
    const stageName = props.stageName ?? STACK_SETTINGS.stageName.default;
    this.table = createTable(this, props);
    this.queues = createQueues(this, turnTimeout(props), {
      named: props.nameQueues ?? STACK_SETTINGS.nameQueues.default,
      outsideMessages: props.outsideMessages ?? STACK_SETTINGS.outsideMessages.default,
    });
    this.api = createApi(this, props);
    this.managementEndpoint = managementEndpoint(this.api, stageName, props);
    this.files = createFiles(this, props);
    this.functions = createFunctions(this, props, {
      table: this.table,
      queues: this.queues,
      files: this.files,
      connectionsArns: connectionsArns(this.api, stageName),
      managementEndpoint: this.managementEndpoint,
    });
    const routes = createRoutes(this.api, this.functions, props);
    this.stage = createStage(this, this.api, routes, stageName, props);
    const { domain, existingDomain, edge, originSecret } = props;
    this.domain = existingDomain
      ? mapDomain(this, this.stage, existingDomain)
      : domain && createDomain(this, this.stage, domain);
    this.httpApi = createHttpApi(this, this.functions, props);
    this.edge =
      edge && domain && originSecret
        ? createEdge(this, edge, {
            domain,
            originSecret,
            ...(this.httpApi && { httpHost: httpHost(this.httpApi) }),
          })
        : undefined;
    this.url = this.#clientUrl(props);
    this.httpUrl = this.httpApi && `https://${this.#edgeName(props) ?? httpHost(this.httpApi)}`;
    this.page = props.page
      ? namingProps(() =>
          createPage(this, { url: this.url, files: this.files && filesOrigin(this.files) }, props),
        )
      : undefined;

    const watched = {
      functions: this.functions,
      queues: this.queues,
      table: this.table,
      stage: this.stage,
      turnTimeout: turnTimeout(props),
      tellsBus: props.eventBus !== undefined,
    };
    this.alarmTopic = props.alarmTopicArn
      ? Topic.fromTopicArn(this, 'AlarmTopic', props.alarmTopicArn)
      : undefined;
    this.alarms =
      (props.alarms ?? STACK_SETTINGS.alarms.default) ? createAlarms(this, watched, this.alarmTopic) : {};
    this.dashboard = createDashboard(this, watched, Object.values(this.alarms));
    this.#warnOfPlainSecrets(props);
    this.#warnOfOpenDoor(props);
    describeLocally(this, this, given);
  }

  /**
   * The function to which messages for sessions are given: a target of EventBridge's rules and schedules. docs/outside-messages.md
   * has their form.
   *
   * @throws {SettingError} without `outsideMessages`
   */
  get sendFunction(): IFunction {
    const { send } = this.functions;
    if (!send) {
      throw new SettingError(
        `${STACK_SETTINGS.outsideMessages.name} is not set: with the prop outsideMessages: true, there is a function to send messages with.`,
      );
    }
    return send;
  }

  /**
   * Lets a function, or another principal of IAM, send messages to any session of any user, and nothing else. A function learns the
   * name of the function to invoke by an environment variable.
   *
   *     chat.grantSendMessage(webhook); // process.env.MIDTURN_SEND_FUNCTION
   *
   * @param variable the name of that variable, for a function that sends to several Midturns
   * @throws {SettingError} without `outsideMessages`
   */
  grantSendMessage(grantee: IGrantable, variable = 'MIDTURN_SEND_FUNCTION'): Grant {
    const { functionArn, functionName } = this.sendFunction;
    // Not the function's own `grantInvoke`, which allows versions and aliases besides.
    const grant = Grant.addToPrincipal({
      grantee,
      actions: ['lambda:InvokeFunction'],
      resourceArns: [functionArn],
    });
    if (grantee instanceof LambdaFunction) grantee.addEnvironment(variable, functionName);
    return grant;
  }

  #clientUrl(props: PlainProps): string {
    const name = this.#edgeName(props) ?? domainAddress(props);
    return name === undefined ? this.stage.url : `wss://${name}`;
  }

  #edgeName({ edge }: PlainProps): string | undefined {
    return this.edge && (edge?.domainName ?? this.edge.distributionDomainName);
  }

  #warnOfOpenDoor({ auth, openToAnyone }: PlainProps): void {
    if (auth !== 'none' || !openToAnyone) return;
    Annotations.of(this).addWarningV2(
      'midturn:openToAnyone',
      'Anybody who finds the address can use the agent, at your cost, and read every session. Limits hold for each source address.',
    );
  }

  #warnOfPlainSecrets(props: PlainProps): void {
    for (const { prop, instead } of plainSecretsIn(props)) {
      Annotations.of(this).addWarningV2(
        `midturn:${prop}`,
        `Everybody who can read the template can read ${prop}: outside the local cloud, use ${instead}.`,
      );
    }
  }
}
