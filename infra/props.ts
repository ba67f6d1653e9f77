import type { RemovalPolicy } from 'aws-cdk-lib/core';

/**
 * What a team chooses about its Midturn. Each prop is also a setting (`MIDTURN_…`, see settings.ts) of the app around it;
 * a value that cannot be stops the synth with one line that names the setting. Names and ranges of what the functions
 * read are the functions' own, so a value is checked by the very code that will use it.
 */
export interface MidturnProps {
  /** `demo`, `bedrock:<model id>`, `openai-compatible:<model id>` or `anthropic:<model id>`. */
  model: string;
  /** Where an `openai-compatible` model answers, e.g. `https://models.example.com/v1`. @default - none */
  modelBaseUrl?: string;
  /**
   * Name or ARN of the Secrets Manager secret that holds the provider's key. Only the turn function may read it.
   * @default - none: the provider is called without a key
   */
  modelApiKeySecret?: string;
  /** The key itself: ends up in the template, so for the local cloud alone. @default - none */
  modelApiKey?: string;

  /**
   * The model that a turn goes on with where `model` fails before anything is visible; in the same form. Without words of
   * its own about access it is reached as `model`, if both have the same provider. @default - none: the turn ends in an error
   */
  fallbackModel?: string;
  /** As `modelBaseUrl`. @default - none */
  fallbackModelBaseUrl?: string;
  /** As `modelApiKeySecret`. @default - none */
  fallbackModelApiKeySecret?: string;
  /** As `modelApiKey`: for the local cloud alone. @default - none */
  fallbackModelApiKey?: string;

  /** Addresses of MCP servers in place of those in the agent's definition: `docs=https://…,…`. @default - none */
  mcpUrls?: string;
  /**
   * Name or ARN of the secret that holds the tokens of MCP servers, `docs=token,…`. Only the turn function may read it.
   * @default - none
   */
  mcpTokensSecret?: string;
  /** The tokens themselves: end up in the template, so for the local cloud alone. @default - none */
  mcpTokens?: string;

  /** Who may connect: `jwt` and `tokens` prove a principal; `none` lets everybody in, as one and the same. */
  auth: string;
  /** `iss` that a JWT must carry; its keys are found through the issuer's discovery document. @default - none */
  jwtIssuer?: string;
  /** `aud` (or Cognito's `client_id`) that a JWT must carry. @default - none */
  jwtAudience?: string;
  /** Where the issuer's keys are. @default - its discovery document says */
  jwtJwksUri?: string;
  /** The claim that names the tenant; parts of a path are joined by dots. @default 'tenant' */
  jwtTenantClaim?: string;
  /** Name or ARN of the secret that holds `token=tenant/subject,…`. Only the authorizer may read it. @default - none */
  tokensSecret?: string;
  /** The tokens themselves: end up in the template, so for the local cloud alone. @default - none */
  tokens?: string;

  /**
   * What a message steers when its own connection has no turn in flight: `session` says the session's running turn,
   * whichever connection set it off; with `connection` it opens a turn that waits. @default 'connection'
   */
  steerScope?: string;
  /** Messages that wait in one connection's inbox. @default 64 */
  inboxLimit?: number;
  /** Bytes of content that wait in one connection's inbox. @default 131072 */
  inboxBytes?: number;
  /** Turns of a session, the running one included. @default 8 */
  sessionQueueLimit?: number;
  /** How long a turn may wait for its session. @default 30 */
  sessionQueueTimeoutSeconds?: number;
  /** Model calls without a new user message in between. @default 16 */
  maxSteps?: number;
  /** Window in which streamed text is gathered into one frame. @default 100 */
  flushMs?: number;
  /** A model that sends nothing for so many seconds is cut. @default 60 */
  modelStallSeconds?: number;
  /** What earlier turns may take of a prompt, by an estimate of 4 bytes a token. @default 100000 */
  contextTokens?: number;
  /** How long a tool call waits for a person's approval before it counts as denied. @default 120 */
  approvalTimeoutSeconds?: number;
  /**
   * How long a function waits for a person before the turn is set down; from then on it is looked at every 5 to 60 seconds.
   * @default 30
   */
  approvalHoldSeconds?: number;
  /**
   * Whose questions an answer may stand for, of an agent without tools at temperature 0: nobody's (`off`), those of the same
   * `principal`, or those of the same `tenant`. @default 'off'
   */
  responseCache?: string;
  /** How long an answer may stand for another. @default 24 */
  responseCacheHours?: number;
  /** Time limit of one turn invocation; a longer turn goes on in the next. @default 300 */
  turnTimeoutSeconds?: number;
  /** How soon a dead worker is replaced. @default 60 */
  visibilitySeconds?: number;
  /** Days that a conversation is kept after its last message. @default 30 */
  retentionDays?: number;
  /** How long a client can resume a stream. @default 24 */
  eventRetentionHours?: number;
  /** Frames that one principal may send a minute; 0 is no limit. @default 1200 */
  framesPerMinute?: number;
  /** Connections that one principal may open a minute; 0 is no limit. @default 60 */
  connectionsPerMinute?: number;

  /** Last part of the WebSocket's URL. @default 'prod' */
  stageName?: string;
  /** A host name of one's own in front of the stage. @default - the name that API Gateway gives */
  domain?: DomainProps;
  /** What API Gateway lets through to the functions before it answers "too many requests". */
  throttle?: ThrottleProps;
  /** Whether each handshake and frame leaves a line in a log group of the API's own. @default true */
  accessLog?: boolean;
  /**
   * The role through which API Gateway writes logs is a setting of the whole account and region, and without one
   * no WebSocket API with a log can be deployed. `create` sets it to a role of its own, which stays when the stack goes;
   * `existing` leaves the account's setting as it is.
   * @default 'create'
   */
  apiLogsRole?: 'create' | 'existing';
  /** API Gateway's metrics by route, which CloudWatch bills as custom ones. @default false: by stage */
  detailedMetrics?: boolean;
  /**
   * Where functions post to connections, when that is not the stage's own callback URL: for emulators of AWS. `{api}` and
   * `{stage}` stand for the API's id and the stage's name.
   * @default - https://{api}.execute-api.{region}.{suffix}/{stage}
   */
  managementEndpoint?: string;

  /**
   * Turns that run at the same time, over all sessions; more wait in the queue. Each holds an execution environment
   * for as long as it streams and posts about ten frames a second: the account's quotas for both (1,000
   * environments, 10,000 requests a second) are shared with the functions that take messages in.
   * @default 200, or `turnReservedConcurrency` if that is less; not with `turnPollers`
   */
  turnMaxConcurrency?: number;
  /** Environments that are set aside for turns, out of the account's. @default - none */
  turnReservedConcurrency?: number;
  /**
   * Pollers of the turn queue that are always there, which shortens a turn's way through the queue and is billed by the
   * hour. AWS allows no `turnMaxConcurrency` beside it: `max` and `turnReservedConcurrency` limit instead.
   * @default - pollers as Lambda sees fit
   */
  turnPollers?: { min: number; max: number };
  /** X-Ray traces of the functions. @default true */
  tracing?: boolean;
  /** The least that functions log: `DEBUG`, `INFO`, `WARN`, `ERROR` or `SILENT`. @default 'INFO' */
  logLevel?: string;
  /** Days that logs are kept: a number that CloudWatch knows (1, 3, 5, 7, 14, 30, 60, 90, …). @default 30 */
  logRetentionDays?: number;

  /** ARN of the KMS key that encrypts the table. @default - a key that AWS owns */
  tableKeyArn?: string;
  /** What happens to conversations when the stack goes; `RETAIN` also protects the table from deletion. @default RemovalPolicy.RETAIN */
  removalPolicy?: RemovalPolicy;
  /**
   * Names queues after the stack (`{stack}-turn.fifo`, …) instead of leaving it to CloudFormation. For emulators that
   * forget the `.fifo`. A named queue cannot be replaced in an update, and its name is blocked for a minute after it
   * was deleted.
   * @default false
   */
  nameQueues?: boolean;
  /** ARN of the SNS topic that alarms and their ends are sent to. @default - alarms are only shown */
  alarmTopicArn?: string;
  /**
   * The page of `web/` as static files, on CloudFront. Must have been built (`npm run build:web`).
   * @default false
   */
  page?: boolean;
  /** Folder with the built page. @default - web/dist of this project */
  pageFolder?: string;
  /** Folder with one bundle per function. @default - dist/functions of this project */
  bundles?: string;
}

export interface ThrottleProps {
  /** Frames and handshakes a second, of all clients together. @default 1000 */
  rate?: number;
  /** How many may come at once. @default 2000 */
  burst?: number;
}

export interface DomainProps {
  /** `chat.example.com` */
  name: string;
  /** ARN of a certificate for it, in the stack's region. */
  certificateArn: string;
  /** Id of the Route 53 zone in which its address is entered. @default - you enter it yourself */
  hostedZoneId?: string;
}
