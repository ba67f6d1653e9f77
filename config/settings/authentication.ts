import { AUTH_CHOICE } from './auth-choice.ts';
import { alternatives, read } from './read.ts';
import { type Environment, SettingError, type SettingTable } from './setting.ts';

/** How clients prove who they are. */

export const AUTH_SETTINGS = {
  ...AUTH_CHOICE,
  /**
   * Whether `MIDTURN_AUTH=none` is meant: anybody who finds the address uses the agent, at your cost, and all of them are one
   * principal that reads every session. Synth refuses `none` without it, except for the local cloud and emulators of AWS. Frames
   * and connections are then counted by source address.
   */
  openToAnyone: {
    name: 'MIDTURN_OPEN_TO_ANYONE',
    kind: 'flag',
    default: false,
    when: 'auth is none',
    functions: ['authorizer'],
  },
  /**
   * Whether API Gateway asks the authorizer about each handshake. `false` is for emulators of AWS that skip it: synth refuses
   * `false` unless `AWS_ENDPOINT_URL` is an emulator's, and on AWS the functions refuse every handshake without an authorizer.
   */
  authorizer: {
    name: 'MIDTURN_AUTHORIZER',
    kind: 'flag',
    default: true,
    when: 'auth is none',
    functions: ['connection', 'http'],
  },
  /**
   * The secret that what stands in front of the API (CloudFront, another proxy) proves itself with: handshakes whose header
   * `x-midturn-origin` is not its `current` or `previous` are refused with 403. It holds `{"current":"…","previous":"…"}`,
   * at least 32 characters each; `previous` is optional.
   */
  originSecret: {
    name: 'MIDTURN_ORIGIN_SECRET',
    kind: 'secret name',
    unset: 'clients connect to the API itself',
    functions: ['authorizer'],
  },
  /** The tokens and their principals: `token=tenant/subject,…`. */
  tokens: {
    name: 'MIDTURN_TOKENS',
    kind: 'secret',
    onDeploy: 'MIDTURN_TOKENS_SECRET',
    when: 'auth is tokens',
    functions: ['authorizer'],
  },
  /** The secret that contains the tokens and their principals: `token=tenant/subject,…`. */
  tokensSecret: {
    name: 'MIDTURN_TOKENS_SECRET',
    kind: 'secret name',
    when: 'auth is tokens',
    functions: ['authorizer'],
  },
  /** The `iss` that a JWT must contain. */
  jwtIssuer: {
    name: 'MIDTURN_JWT_ISSUER',
    kind: 'url',
    protocol: 'https',
    unset: 'none: `jwt` needs it',
    when: 'auth is jwt',
    functions: ['authorizer'],
  },
  /** The `aud` (or Cognito's `client_id`) that a JWT must contain. */
  jwtAudience: {
    name: 'MIDTURN_JWT_AUDIENCE',
    kind: 'text',
    unset: 'none: `jwt` needs it',
    when: 'auth is jwt',
    functions: ['authorizer'],
  },
  /** Where the issuer publishes its keys. */
  jwtJwksUri: {
    name: 'MIDTURN_JWT_JWKS_URI',
    kind: 'url',
    protocol: 'https',
    unset: "as the issuer's discovery document says",
    when: 'auth is jwt',
    functions: ['authorizer'],
  },
  /**
   * The kind of token that Cognito must have made (`token_use`). A token without a kind is then refused. Unset: both kinds are
   * accepted, and tokens of other issuers.
   */
  jwtTokenUse: {
    name: 'MIDTURN_JWT_TOKEN_USE',
    kind: 'choice',
    choices: ['access', 'id'],
    unset: 'either, and tokens without a kind',
    when: 'auth is jwt',
    functions: ['authorizer'],
  },
  /**
   * The claim that contains the tenant. A claim inside another one is a path with dots, unless a claim has that very name. Where
   * this is set, a token without the claim is refused. Where it is not, such a token's tenant is `default`.
   */
  jwtTenantClaim: {
    name: 'MIDTURN_JWT_TENANT_CLAIM',
    kind: 'text',
    unset: '`tenant`, if the token has it',
    when: 'auth is jwt',
    functions: ['authorizer'],
  },
  /**
   * The claims that the agent's code is given: their names, with commas between them. A claim inside another one is a path with
   * dots, unless a claim has that very name. A token without a claim is accepted. A handshake whose claims have more than 2,048
   * bytes as JSON fails, and the log says so: they are stored with each connection and each message.
   */
  jwtClaims: {
    name: 'MIDTURN_JWT_CLAIMS',
    kind: 'text',
    pattern: /^[^,\s]{1,128}(?:,[^,\s]{1,128}){0,31}$/,
    form: 'names of claims with commas between them, at most 32',
    unset: 'none',
    when: 'auth is jwt',
    functions: ['authorizer'],
  },
} as const satisfies SettingTable;

/** @throws {SettingError} also if a setting that the chosen way needs is not set */
export function readAuthChoice(env: Environment): (typeof AUTH_SETTINGS.auth.choices)[number] {
  const { auth, tokens, tokensSecret, jwtIssuer, jwtAudience } = AUTH_SETTINGS;
  const choice = read(env, auth);
  if (!choice) throw new SettingError(`${auth.name} is not set: it must be ${alternatives(auth.choices)}.`);
  if (choice === 'tokens' && !env[tokens.name] && !env[tokensSecret.name]) {
    throw new SettingError(`${tokens.name} is not set: auth by tokens needs token=tenant/subject,…`);
  }
  if (choice === 'jwt') {
    for (const { name } of [jwtIssuer, jwtAudience]) {
      if (!env[name]) throw new SettingError(`${name} is not set: auth by jwt needs it.`);
    }
  }
  return choice;
}

/** What a JWT must contain, and where the keys are that sign it. */
export interface JwtSettings {
  issuer: string;
  audience: string;
  /** Where the issuer's keys are. Undefined: as its discovery document says. */
  jwksUri: string | undefined;
  /** What `token_use` must be. Undefined: it is not looked at. */
  tokenUse: 'access' | 'id' | undefined;
  /**
   * The claim that must contain the tenant: a claim of that very name, else a path whose parts are joined by dots. Undefined:
   * `tenant`, and a token may lack it.
   */
  tenantClaim: string | undefined;
  /** The claims that the agent's code is given, by their names. */
  claims: readonly string[];
}

export function readJwtSettings(env: Environment): JwtSettings {
  const { jwtIssuer, jwtAudience, jwtJwksUri, jwtTokenUse, jwtTenantClaim, jwtClaims } = AUTH_SETTINGS;
  const issuer = read(env, jwtIssuer);
  const audience = read(env, jwtAudience);
  if (!issuer) throw new SettingError(`${jwtIssuer.name} is not set: auth by jwt needs it.`);
  if (!audience) throw new SettingError(`${jwtAudience.name} is not set: auth by jwt needs it.`);
  return {
    issuer,
    audience,
    jwksUri: read(env, jwtJwksUri),
    tokenUse: read(env, jwtTokenUse),
    tenantClaim: read(env, jwtTenantClaim),
    claims: read(env, jwtClaims)?.split(',') ?? [],
  };
}
