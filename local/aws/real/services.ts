/** Services of a developer's AWS account that `midturn dev --aws` can put in the place of the local ones. */
export const REAL_SERVICES = {
  dynamodb: { signedAs: 'dynamodb', host: 'dynamodb', variable: 'DYNAMODB' },
  secretsmanager: { signedAs: 'secretsmanager', host: 'secretsmanager', variable: 'SECRETS_MANAGER' },
  bedrock: { signedAs: 'bedrock', host: 'bedrock-runtime', variable: 'BEDROCK_RUNTIME' },
} as const satisfies Readonly<Record<string, Service>>;

/** A service as requests to it are addressed and signed. */
export interface Service {
  signedAs: string;
  host: string;
  /** The end of its `AWS_ENDPOINT_URL_…`, which the SDKs have as well. */
  variable: string;
}

export type RealService = keyof typeof REAL_SERVICES;

export const STS: Service = { signedAs: 'sts', host: 'sts', variable: 'STS' };

/** Why a service stays on this machine, for whoever asks for it. */
const LOCAL: Readonly<Record<string, string>> = {
  s3: 'the addresses that pages upload to are signed for the local buckets',
  sqs: 'the functions here and the deployed ones would take messages from each other',
  events: 'rules of the account would call the deployed functions',
  lambda: 'functions run here',
  apigateway: 'connections end here',
};

const isReal = (name: string): name is RealService => Object.hasOwn(REAL_SERVICES, name);

/**
 * Reads `dynamodb,bedrock`.
 * @throws {TypeError} for what is no such service, with what to do
 */
export function readServices(texts: readonly string[]): ReadonlySet<RealService> {
  const services = new Set<RealService>();
  for (const name of texts.flatMap((text) => text.split(',')).map((text) => text.trim())) {
    if (!isReal(name)) {
      const why = Object.hasOwn(LOCAL, name)
        ? `${name} stays local: ${LOCAL[name]}`
        : `there is no "${name}"`;
      throw new TypeError(`--aws: ${why}. It can be ${Object.keys(REAL_SERVICES).join(', ')}.`);
    }
    services.add(name);
  }
  return services;
}

/** Where a service is, in the environment's words or AWS's. */
export function endpointOf({ host, variable }: Service, region: string, env: NodeJS.ProcessEnv): URL {
  const given =
    env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true'
      ? undefined
      : env[`AWS_ENDPOINT_URL_${variable}`] || env.AWS_ENDPOINT_URL;
  return new URL(given ?? `https://${host}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`);
}
