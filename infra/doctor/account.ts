import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import {
  GetAccountSettingsCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import { AGENT_SETTINGS, secretNamesIn } from '../../config/settings/models.ts';
import { SettingError } from '../../config/settings/setting.ts';
import { type Advice, type Check, demand, Fault, NotChecked } from './check.ts';

/** The checks of a stack in its account, with the operator's credentials: what no client sees. */

/** A deployed stack. */
export interface DeployedStack {
  /** Where clients connect. */
  url: string;
  /** Where its HTTP API is, if it has one. */
  httpUrl: string | undefined;
  /** Gets the alarms. */
  alarmTopic: string | undefined;
  /** Physical names of its functions, by logical id. */
  functions: ReadonlyMap<string, string>;
}

/** The services that are asked, with the credentials and the region of the environment. */
export interface Account {
  stacks: CloudFormationClient;
  lambda: LambdaClient;
  secrets: SecretsManagerClient;
  topics: SNSClient;
  close(): void;
}

export function openAccount(): Account {
  const clients = {
    stacks: new CloudFormationClient({}),
    lambda: new LambdaClient({}),
    secrets: new SecretsManagerClient({}),
    topics: new SNSClient({}),
  };
  return {
    ...clients,
    close: () => {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** @throws {SettingError} if the account has no such stack, or does not show it */
export async function findStack({ stacks }: Account, StackName: string): Promise<DeployedStack> {
  try {
    const { Stacks = [] } = await stacks.send(new DescribeStacksCommand({ StackName }));
    const resources: StackResourceSummary[] = [];
    for await (const { StackResourceSummaries = [] } of paginateListStackResources(
      { client: stacks },
      { StackName },
    ))
      resources.push(...StackResourceSummaries);
    const outputs = new Map(
      Stacks[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
    );
    const url = outputs.get('Url');
    if (!url) throw new Error('it has no output Url');
    const functions = resources.filter(({ ResourceType }) => ResourceType === 'AWS::Lambda::Function');
    return {
      url,
      httpUrl: outputs.get('HttpUrl'),
      alarmTopic: outputs.get('AlarmTopicArn'),
      functions: new Map(
        functions.map(({ LogicalResourceId = '', PhysicalResourceId = '' }) => [
          LogicalResourceId,
          PhysicalResourceId,
        ]),
      ),
    };
  } catch (error) {
    throw new SettingError(`The stack ${StackName} cannot be seen: ${wordsOf(error)}`);
  }
}

const SECRETS: Advice = 'docs/deploy.md#choose';
const ALARMS: Advice = 'docs/operations.md#alarms';
const QUEUE: Advice = 'docs/operations.md#turnqueueage';
const HTTP: Advice = 'docs/operations.md#authorizererrors';
const TURNS_AT_ONCE: Advice = 'docs/deploy.md#how-many-turns-the-account-can-run';

/** A cold start of two functions takes a few seconds. */
const HTTP_TIMEOUT_MS = 20_000;

/** Environments that turns should leave to frames, handshakes and deadlines. Of fewer than twenty, half. */
const ROOM_FOR_FRAMES = 10;

/** @param stack undefined where a URL was given: then these checks say that they were not made */
export function accountChecks(account: Account, stack: DeployedStack | undefined): Check[] {
  const check = (name: string, run: (account: Account, stack: DeployedStack) => Promise<string>): Check => ({
    name,
    run: async () => {
      if (!stack) throw new NotChecked('No stack was named.');
      try {
        return await run(account, stack);
      } catch (error) {
        // The operator may not ask, or the service does not answer: that says nothing about the deployment.
        if (error instanceof Fault || error instanceof NotChecked) throw error;
        throw new NotChecked(`AWS does not say it: ${wordsOf(error)}`);
      }
    },
  });
  return [
    check('secrets', secretsAreThere),
    check('turn queue', turnsAreReceived),
    check('quotas', framesHaveRoom),
    check('http api', requestsAreAnswered),
    check('alarms', alarmsAreHeard),
  ];
}

async function secretsAreThere({ lambda, secrets }: Account, { functions }: DeployedStack): Promise<string> {
  const names = new Set<string>();
  for (const FunctionName of functions.values()) {
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    for (const [name, value] of Object.entries(Environment?.Variables ?? {})) {
      if (/^MIDTURN_\w+_SECRET$/.test(name)) names.add(value);
      if (name === AGENT_SETTINGS.agentSecrets.name) {
        for (const id of secretNamesIn(value).values()) names.add(id);
      }
    }
  }
  if (names.size === 0) throw new NotChecked('No setting names a secret.');
  for (const SecretId of names) {
    const found = await secrets.send(new DescribeSecretCommand({ SecretId })).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    });
    demand(found, `There is no secret ${SecretId}.`, SECRETS);
    demand(!found.DeletedDate, `The secret ${SecretId} is being deleted.`, SECRETS);
  }
  return `There: ${[...names].join(', ')}.`;
}

async function turnSource({ lambda }: Account, { functions }: DeployedStack) {
  const FunctionName = [...functions].find(([id]) => /TurnFunction/.test(id))?.[1];
  if (!FunctionName) throw new NotChecked('The stack has no turn function.');
  const { EventSourceMappings = [] } = await lambda.send(
    new ListEventSourceMappingsCommand({ FunctionName }),
  );
  return EventSourceMappings[0];
}

async function turnsAreReceived(account: Account, stack: DeployedStack): Promise<string> {
  const source = await turnSource(account, stack);
  demand(source, 'Nothing takes turns from the queue: the turn function has no event source.', QUEUE);
  const { State = 'unknown' } = source;
  demand(State === 'Enabled', `Turns are not taken from the queue: its event source is ${State}.`, QUEUE);
  return 'Turns are taken from the queue.';
}

/** Execution environments are what binds first: a new account may have ten, and each running turn takes one. */
async function framesHaveRoom(account: Account, stack: DeployedStack): Promise<string> {
  const { AccountLimit } = await account.lambda.send(new GetAccountSettingsCommand({}));
  const { ConcurrentExecutions: all, UnreservedConcurrentExecutions: shared } = AccountLimit ?? {};
  if (all === undefined || shared === undefined) throw new NotChecked('AWS names no limit.');
  const source = await turnSource(account, stack);
  const turns = source?.ScalingConfig?.MaximumConcurrency;
  if (turns === undefined) throw new NotChecked('The turn queue has no maximum concurrency.');
  // With environments reserved for turns, the account's unreserved ones are already without them.
  const left = all > shared ? shared : all - turns;
  demand(
    left >= Math.min(ROOM_FOR_FRAMES, all / 2),
    `Of the ${all} environments of this account, ${turns} turns leave ${Math.max(0, left)} to frames and handshakes.`,
    TURNS_AT_ONCE,
  );
  return `Of ${all} execution environments, ${turns} turns leave ${left}.`;
}

async function alarmsAreHeard({ topics }: Account, { alarmTopic }: DeployedStack): Promise<string> {
  if (!alarmTopic) throw new NotChecked('MIDTURN_ALARM_TOPIC_ARN is not set: alarms are only shown.');
  const { Subscriptions = [] } = await topics.send(
    new ListSubscriptionsByTopicCommand({ TopicArn: alarmTopic }),
  );
  // Until its owner confirms it, a subscription has the words `PendingConfirmation` in place of an ARN.
  const confirmed = Subscriptions.filter(({ SubscriptionArn }) => SubscriptionArn?.startsWith('arn:'));
  demand(
    confirmed.length > 0,
    Subscriptions.length > 0
      ? 'Nobody hears the alarms: the subscription of their topic is not confirmed.'
      : 'Nobody hears the alarms: their topic has no subscription.',
    ALARMS,
  );
  return `${confirmed.length} subscription${confirmed.length === 1 ? '' : 's'} of their topic.`;
}

/** What a request without a token is answered with: refused, not refused because nobody has to prove anything, or stopped by the front. */
const ANSWERS: Readonly<Record<number, string>> = {
  401: 'It demands a token',
  200: 'Anybody may use it',
  403: 'It answers only what comes through its front',
};

async function requestsAreAnswered(_: Account, { httpUrl }: DeployedStack): Promise<string> {
  if (httpUrl === undefined) throw new NotChecked('The stack has no HTTP API.');
  const signal = AbortSignal.timeout(HTTP_TIMEOUT_MS);
  const status = await fetch(`${httpUrl}/api/sessions`, { signal }).then(
    (response) => response.status,
    (error: unknown) => {
      throw new Fault(`${httpUrl} does not answer: ${wordsOf(error)}.`, HTTP);
    },
  );
  const answer = ANSWERS[status];
  demand(answer, `${httpUrl} answers ${status} to a request without a token.`, HTTP);
  return `${answer}: ${httpUrl}.`;
}
