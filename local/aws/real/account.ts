import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { LocalCloudError, messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { createUpstream, type Upstream } from '../forward.ts';
import { parseJson, replay } from '../json-body.ts';
import type { JsonAnswer } from '../json-service.ts';
import { fields } from '../operations.ts';
import { refuse } from '../refusals.ts';
import { endpointOf, REAL_SERVICES, type RealService, type Service, STS } from './services.ts';
import { type Credentials, signedHeaders } from './signed-request.ts';

/** A developer's AWS account. Requests to it are signed with the developer's credentials, which no function gets. */
export interface Account {
  /** Twelve digits. */
  readonly id: string;
  /** ARN of whose credentials they are. */
  readonly userArn: string;
  readonly region: string;
  /** Passes requests on, signed anew. */
  upstream(service: RealService): Upstream;
  /** Asks a service with a JSON protocol. @param target `secretsmanager.GetSecretValue` */
  ask(service: RealService, target: string, body: object): Promise<JsonAnswer>;
  /** Physical ids of a stack's resources, by their logical ids. @throws {LocalCloudError} if there is no such stack */
  resourcesOf(stack: string): Promise<ReadonlyMap<string, string>>;
}

export interface AccountOptions {
  /** @default - that of the environment or the profile */
  region?: string;
  log: Log;
  env?: NodeJS.ProcessEnv;
}

/** What AWS answers to credentials that it does not take, or no more. */
const REFUSED = /ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch/;

/**
 * Opens the account of the credentials that the SDKs of this machine find: in the environment, by the profile `AWS_PROFILE`, from a
 * sign-in.
 * @throws {LocalCloudError} if there are no credentials, or AWS does not take them, or no region is named
 */
export async function openAccount({
  region: chosen,
  log,
  env = process.env,
}: AccountOptions): Promise<Account> {
  // The SDK reads the profile's files once. Who signs in again while the local cloud runs has new ones.
  const config = { ignoreCache: true, ...(chosen !== undefined && { region: chosen }) };
  const client = new CloudFormationClient(config);
  const region = await client.config.region().catch(() => {
    throw new LocalCloudError(
      'AWS_REGION_MISSING: neither AWS_REGION nor the profile names a region. Set AWS_REGION.',
    );
  });
  /** The key of the last request, and the last one that AWS has refused. */
  let key = '';
  let refusedKey: string | undefined;
  const credentials = async (): Promise<Credentials> => {
    try {
      const found = await client.config.credentials({ forceRefresh: key === refusedKey });
      key = found.accessKeyId;
      return found;
    } catch (error) {
      const profile = env.AWS_PROFILE ? `profile ${env.AWS_PROFILE}: ` : '';
      throw new LocalCloudError(
        `AWS_CREDENTIALS_MISSING: ${profile}${oneLine(messageOf(error))}. Sign in, or name another profile with --profile.`,
      );
    }
  };
  const urlOf = (service: Service) => endpointOf(service, region, env);
  const signed = async (service: Service, request: Parameters<typeof signedHeaders>[2]) =>
    signedHeaders(await credentials(), { service: service.signedAs, region }, request, Date.now());

  async function post(service: Service, headers: Record<string, string>, text: string): Promise<Response> {
    const url = urlOf(service);
    const body = Buffer.from(text);
    const all = await signed(service, { method: 'POST', url, headers, body });
    return fetch(url, { method: 'POST', headers: all, body, signal: AbortSignal.timeout(ASK_MS) });
  }

  /** Asks for newer credentials the next time, and says once that these are refused. */
  const refused = (service: Service, text: string) => {
    const [why] = REFUSED.exec(text) ?? [];
    if (why === undefined || key === refusedKey) return;
    refusedKey = key;
    const line = `AWS_CREDENTIALS_REFUSED: ${service.host} in ${region} answers ${why}. Sign in again: the next request takes the new ones.`;
    log({ level: 'error', source: 'aws', text: line });
  };

  function signing(service: Service): Upstream {
    const url = urlOf(service);
    const base = createUpstream(url.href, (text) => refused(service, text));
    return {
      pass(request, response, body, done) {
        const { method = 'POST', headers } = request;
        const path = `${url.pathname.replace(/\/$/, '')}${request.url ?? '/'}`;
        signed(service, { method, url: new URL(path, url), headers, body }).then(
          (all) => {
            const again = replay(request, body);
            again.headers = all;
            base.pass(again, response, body, done);
          },
          (error: unknown) => {
            log({ level: 'error', source: 'aws', text: messageOf(error) });
            const responseBytes = refuse(response, service.signedAs, { kind: 'unknown-key' });
            done({ requestBytes: body.length, responseBytes });
          },
        );
      },
      close: base.close,
    };
  }

  const { id, userArn } = await callerOf(post, urlOf(STS));
  return {
    id,
    userArn,
    region,
    upstream: (service) => signing(REAL_SERVICES[service]),
    async ask(service, target, body) {
      const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
      const answer = await post(REAL_SERVICES[service], headers, JSON.stringify(body));
      const text = await answer.text();
      if (!answer.ok) refused(REAL_SERVICES[service], text);
      return { status: answer.ok ? 200 : 400, body: parseJson(Buffer.from(text))?.value ?? {} };
    },
    resourcesOf: (stack) => resourcesOf(client, stack, `${id} in ${region}`),
  };
}

/** A question to AWS, which a person waits for. */
const ASK_MS = 15_000;

/** Source: `GetCallerIdentity`, AWS STS API reference. Nobody needs a permission for it. */
async function callerOf(
  post: (service: Service, headers: Record<string, string>, text: string) => Promise<Response>,
  url: URL,
): Promise<{ id: string; userArn: string }> {
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await post(STS, headers, 'Action=GetCallerIdentity&Version=2011-06-15').catch(
    (error: unknown) => {
      if (error instanceof LocalCloudError) throw error;
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new LocalCloudError(`AWS_UNREACHABLE: ${url.host}: ${oneLine(messageOf(cause))}`);
    },
  );
  const text = await answer.text();
  const told = fields(
    fields(parseJson(Buffer.from(text))?.value.GetCallerIdentityResponse).GetCallerIdentityResult,
  );
  const { Account: id, Arn: userArn } = told;
  if (answer.ok && typeof id === 'string' && typeof userArn === 'string') return { id, userArn };
  const why = /"Message":\s*"([^"]+)"/i.exec(text)?.[1] ?? `${url.host} answers ${answer.status}.`;
  throw new LocalCloudError(`AWS_CREDENTIALS_REFUSED: ${why}`);
}

async function resourcesOf(
  client: CloudFormationClient,
  StackName: string,
  where: string,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  try {
    for await (const page of paginateListStackResources({ client }, { StackName })) {
      for (const one of page.StackResourceSummaries ?? []) {
        const { LogicalResourceId: logical, PhysicalResourceId: physical, ResourceStatus = '' } = one;
        if (logical && physical && !ResourceStatus.startsWith('DELETE')) found.set(logical, physical);
      }
    }
  } catch (error) {
    const text = oneLine(messageOf(error));
    throw new LocalCloudError(
      /does not exist/.test(text)
        ? `AWS_STACK_NOT_FOUND: account ${where} has no stack ${StackName}: deploy it, or name another with --aws-stack.`
        : `AWS_STACK_UNREADABLE: stack ${StackName} of account ${where}: ${text}`,
    );
  }
  return found;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
