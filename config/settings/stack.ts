import type { SettingTable } from './setting.ts';

/** What a deployment has and no function reads. A group (`domain`, `throttle`, `turnPollers`) is one prop of the construct. */

export const API_SETTINGS = {
  /** Last part of the WebSocket's URL, and of the stack's name unless it is `prod`. `local` is the local cloud's. */
  stageName: {
    name: 'MIDTURN_STAGE',
    kind: 'text',
    pattern: /^[A-Za-z0-9_-]{1,128}$/,
    form: 'letters, digits, - or _',
    default: 'prod',
  },
  /** A host name of your own in front of the stage. */
  domain: {
    /** Host name under which clients connect, for example `chat.example.com`. */
    name: {
      name: 'MIDTURN_DOMAIN_NAME',
      kind: 'text',
      pattern: /^[a-z0-9-]+(\.[a-z0-9-]+)+$/,
      form: 'a host name in lower case',
      unset: 'the host name that API Gateway assigns',
      groupNeedsIt: true,
    },
    /** ARN of a certificate for the host name, in the stack's region. */
    certificateArn: {
      name: 'MIDTURN_DOMAIN_CERTIFICATE_ARN',
      kind: 'text',
      pattern: /^arn:[\w-]+:acm:\S+$/,
      form: 'an ARN of acm',
      unset: 'none: a host name needs it',
      groupNeedsIt: true,
    },
    /** Id of the Route 53 zone in which the stack enters the host name. */
    hostedZoneId: {
      name: 'MIDTURN_DOMAIN_ZONE_ID',
      kind: 'text',
      pattern: /^Z[A-Z0-9]{1,31}$/,
      form: 'the id of a Route 53 zone',
      unset: 'you enter the host name yourself',
    },
  },
  /**
   * Whether clients and functions can reach the API under the host name that API Gateway assigns. `false` leaves the host name of
   * `domain` alone.
   */
  defaultEndpoint: { name: 'MIDTURN_DEFAULT_ENDPOINT', kind: 'flag', default: true },
  /** CloudFront with a web ACL of AWS WAF in front of the API. Needs `domain`, `originSecret`, and `defaultEndpoint: false`. */
  edge: {
    /** ARN of the web ACL, which is of the scope CLOUDFRONT, in us-east-1. With it, CloudFront is put in front of the API. */
    webAclArn: {
      name: 'MIDTURN_EDGE_WEB_ACL_ARN',
      kind: 'text',
      pattern: /^arn:[\w-]+:wafv2:us-east-1:\d+:global\/webacl\/\S+$/,
      form: 'an ARN of a global web ACL (wafv2, us-east-1)',
      unset: 'clients connect to the API itself',
      groupNeedsIt: true,
    },
    /** Host name under which clients connect to CloudFront. Not that of `domain`. */
    domainName: {
      name: 'MIDTURN_EDGE_DOMAIN_NAME',
      kind: 'text',
      pattern: /^[a-z0-9-]+(\.[a-z0-9-]+)+$/,
      form: 'a host name in lower case',
      unset: 'the host name that CloudFront assigns',
    },
    /** ARN of a certificate for that host name, in us-east-1. */
    certificateArn: {
      name: 'MIDTURN_EDGE_CERTIFICATE_ARN',
      kind: 'text',
      pattern: /^arn:[\w-]+:acm:us-east-1:\S+$/,
      form: 'an ARN of acm in us-east-1',
      unset: 'none: a host name needs it',
    },
    /** Id of the Route 53 zone in which the stack enters that host name. */
    hostedZoneId: {
      name: 'MIDTURN_EDGE_ZONE_ID',
      kind: 'text',
      pattern: /^Z[A-Z0-9]{1,31}$/,
      form: 'the id of a Route 53 zone',
      unset: 'you enter the host name yourself',
    },
    /** Version id of `MIDTURN_ORIGIN_SECRET` whose `current` CloudFront sends. CloudFormation reads the secret again when this changes. */
    secretVersion: {
      name: 'MIDTURN_EDGE_SECRET_VERSION',
      kind: 'text',
      pattern: /^[\w-]{32,64}$/,
      form: 'the version id of a secret',
      unset: 'the version that is current when the distribution is made',
    },
  },
  /** How many frames API Gateway accepts before it answers "too many requests". */
  throttle: {
    /** Frames that API Gateway accepts in a second, from all clients together. */
    rate: {
      name: 'MIDTURN_THROTTLE_RATE',
      kind: 'integer',
      unit: 'count',
      range: [1, 10_000],
      // A tenth of an account's requests a second. Most of the others are the posts that answer these frames.
      default: 1000,
    },
    /** Frames that API Gateway accepts at once. */
    burst: {
      name: 'MIDTURN_THROTTLE_BURST',
      kind: 'integer',
      unit: 'count',
      range: [1, 5000],
      default: 2000,
    },
    /**
     * Handshakes that API Gateway accepts in a second, from all clients together. They are counted apart from frames, because
     * anybody can send a handshake: strangers cannot use up what users need.
     */
    connectRate: {
      name: 'MIDTURN_THROTTLE_CONNECT_RATE',
      kind: 'integer',
      unit: 'count',
      range: [1, 10_000],
      // Half of an account's new connections a second:
      // https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
      default: 250,
    },
    /** Handshakes that API Gateway accepts at once. */
    connectBurst: {
      name: 'MIDTURN_THROTTLE_CONNECT_BURST',
      kind: 'integer',
      unit: 'count',
      range: [1, 5000],
      default: 500,
    },
  },
  /** Whether API Gateway writes a log line for each handshake and frame. */
  accessLog: { name: 'MIDTURN_ACCESS_LOG', kind: 'flag', default: true },
  /**
   * API Gateway needs a role to write logs, and each account and region has one such role for all APIs. `create` sets it to a
   * new role, which stays when the stack is deleted. `existing` uses the account's role: choose it if there is one.
   */
  apiLogsRole: {
    name: 'MIDTURN_API_LOGS_ROLE',
    kind: 'choice',
    choices: ['create', 'existing'],
    default: 'create',
  },
  /** Whether API Gateway emits its metrics by route. CloudWatch bills them as custom metrics. */
  detailedMetrics: { name: 'MIDTURN_DETAILED_METRICS', kind: 'flag', default: false },
  /** Where functions post to connections, for emulators of AWS. `{api}` and `{stage}` are replaced by the API's id and the stage. */
  managementEndpoint: {
    name: 'MIDTURN_MANAGEMENT_ENDPOINT',
    kind: 'text',
    pattern: /^https?:\/\/\S+$/,
    form: 'an http(s) URL with the stage as its path',
    unset: "the stage's own callback URL",
  },
} as const satisfies SettingTable;

export const CAPACITY_SETTINGS = {
  /**
   * Turns that run at the same time, in all sessions. More turns wait in the queue. A running turn needs one execution
   * environment and about ten posts a second, and the account's quotas for both are shared with the other functions.
   * At most half of the account's environments, so that frames always find one: 5 in a new account of ten.
   */
  turnMaxConcurrency: {
    name: 'MIDTURN_TURN_MAX_CONCURRENCY',
    kind: 'integer',
    unit: 'count',
    range: [2, 1000],
    unset: '200, or `MIDTURN_TURN_RESERVED_CONCURRENCY` if that is less; no maximum with pollers',
  },
  /** Execution environments of the account that are reserved for turns. */
  turnReservedConcurrency: {
    name: 'MIDTURN_TURN_RESERVED_CONCURRENCY',
    kind: 'integer',
    unit: 'count',
    range: [2, 100_000],
    unset: 'none',
  },
  /**
   * Pollers of the turn queue that always run. They shorten a turn's way through the queue and are billed by the hour. AWS
   * allows no `turnMaxConcurrency` beside them: `max` and `turnReservedConcurrency` limit the number of turns instead.
   */
  turnPollers: {
    /** Pollers of the turn queue that always run. They are billed by the hour. Not with `MIDTURN_TURN_MAX_CONCURRENCY`. */
    min: {
      name: 'MIDTURN_TURN_POLLERS_MIN',
      kind: 'integer',
      unit: 'count',
      range: [2, 200],
      unset: 'Lambda decides',
      groupNeedsIt: true,
    },
    /** Pollers of the turn queue at most. */
    max: {
      name: 'MIDTURN_TURN_POLLERS_MAX',
      kind: 'integer',
      unit: 'count',
      range: [2, 2000],
      unset: 'Lambda decides',
      groupNeedsIt: true,
    },
  },
} as const satisfies SettingTable;

/** How else a session is reached than by its clients. */
export const OUTSIDE_SETTINGS = {
  /**
   * Whether the stack has the function `send`, with which the application sends messages to sessions by itself: from functions, from
   * EventBridge, on a schedule. outside-messages.md has their form.
   */
  outsideMessages: { name: 'MIDTURN_OUTSIDE_MESSAGES', kind: 'flag', default: false },
} as const satisfies SettingTable;

export const HTTP_SETTINGS = {
  /**
   * Whether the stack has an HTTP API beside the WebSocket: send, abort, read and delete without a connection. http.md has its routes.
   */
  httpApi: { name: 'MIDTURN_HTTP', kind: 'flag', default: false },
  /**
   * Origins of pages whose scripts may use the HTTP API, with commas between. `*` is every page. The local cloud takes
   * `MIDTURN_LOCAL_ORIGINS` if this is not set.
   */
  httpOrigins: {
    name: 'MIDTURN_HTTP_ORIGINS',
    kind: 'text',
    pattern: /^(\*|https?:\/\/[^\s,/*]+(,https?:\/\/[^\s,/*]+)*)$/,
    form: 'origins with commas between, such as https://chat.example.com, or *',
    unset: 'none: browsers let no script of a page use it',
  },
} as const satisfies SettingTable;

export const OPERATION_SETTINGS = {
  /**
   * Whether functions send traces to X-Ray: of requests that X-Ray samples, also spans of turns, model calls,
   * tools and hooks. operations.md has their names.
   */
  tracing: { name: 'MIDTURN_TRACING', kind: 'flag', default: true },
  /** How long logs are kept. */
  logRetentionDays: {
    name: 'MIDTURN_LOG_RETENTION_DAYS',
    kind: 'integer',
    unit: 'days',
    range: [1, 3653],
    // CloudWatch accepts no other numbers.
    values: [
      1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
    ],
    default: 30,
  },
  /**
   * ARN of the KMS key that encrypts the log groups. Its policy must let CloudWatch Logs use it: operations.md, "Encrypt the
   * logs".
   */
  logKeyArn: {
    name: 'MIDTURN_LOG_KEY_ARN',
    kind: 'text',
    pattern: /^arn:[\w-]+:kms:\S+$/,
    form: 'an ARN of kms',
    unset: 'a key that AWS owns',
  },
  /** Whether the stack has alarms. `false` is for emulators of AWS that have no alarms on expressions of several metrics. */
  alarms: { name: 'MIDTURN_ALARMS', kind: 'flag', default: true },
  /** ARN of the SNS topic that gets a message when an alarm begins and when it ends. */
  alarmTopicArn: {
    name: 'MIDTURN_ALARM_TOPIC_ARN',
    kind: 'text',
    pattern: /^arn:[\w-]+:sns:\S+$/,
    form: 'an ARN of sns',
    unset: 'alarms are only shown',
  },
} as const satisfies SettingTable;

export const DATA_SETTINGS = {
  /** ARN of the KMS key that encrypts the table. */
  tableKeyArn: {
    name: 'MIDTURN_TABLE_KEY_ARN',
    kind: 'text',
    pattern: /^arn:[\w-]+:kms:\S+$/,
    form: 'an ARN of kms',
    unset: 'a key that AWS owns',
  },
  /** What happens to conversations when the stack is deleted. `retain` also protects the table from deletion. */
  removalPolicy: {
    name: 'MIDTURN_REMOVAL',
    kind: 'choice',
    choices: ['retain', 'destroy'],
    default: 'retain',
  },
} as const satisfies SettingTable;

export const ASSET_SETTINGS = {
  /** Whether the page is deployed as static files on CloudFront: that of the prop `pageFolder`, or the one that comes with the construct. In this repository `npm run build:web` builds it first. */
  page: { name: 'MIDTURN_PAGE', kind: 'flag', default: false },
  /** Folder with one bundle for each function. */
  bundles: { name: 'MIDTURN_BUNDLES', kind: 'text', unset: '`dist/functions` of this project' },
  /**
   * Whether queues are named after the stack (`{stack}-turn.fifo`, …), for emulators that forget the `.fifo`. An update cannot
   * replace a named queue, and its name cannot be used for a minute after it was deleted.
   */
  nameQueues: { name: 'MIDTURN_NAME_QUEUES', kind: 'flag', default: false },
} as const satisfies SettingTable;
