import type { IUserPool, IUserPoolClient } from 'aws-cdk-lib/aws-cognito';
import type { PlainProps } from './plain-props.ts';

type AuthProps = Pick<PlainProps, 'auth'> &
  Partial<
    Pick<
      PlainProps,
      | 'jwtAudience'
      | 'jwtClaims'
      | 'jwtIssuer'
      | 'jwtJwksUri'
      | 'jwtTenantClaim'
      | 'jwtTokenUse'
      | 'openToAnyone'
      | 'tokensSecret'
    >
  >;

export interface ClaimOptions {
  /** The claim that contains the tenant. @default - `tenant`, if the token has it */
  tenantClaim?: string;
  /** Names of the claims that the agent's code is given. @default - none */
  claims?: readonly string[];
}

export interface CognitoOptions extends ClaimOptions {
  /** The kind of token that clients connect with. @default access */
  tokenUse?: 'access' | 'id';
}

export interface NewUserPoolOptions extends CognitoOptions {
  /** Whether anybody can sign up. @default false: an administrator creates users */
  selfSignUp?: boolean;
  /** Pages to which Cognito's login page returns, such as `https://chat.example.com/`. @default - there is no login page */
  callbackUrls?: readonly string[];
  /** Pages to which it returns when a user has signed out. */
  logoutUrls?: readonly string[];
  /** The login page's address is `https://{domainPrefix}.auth.{region}.amazoncognito.com`. Needed with `callbackUrls`. */
  domainPrefix?: string;
}

export interface JwtOptions extends ClaimOptions {
  /** The `iss` that a token must contain. */
  issuer: string;
  /** The `aud` that a token must contain. */
  audience: string;
  /** Where the issuer publishes its keys. @default - as its discovery document says */
  jwksUri?: string;
}

/** How clients prove who they are: a value for the prop `auth`. */
export class MidturnAuth {
  /** Tokens of one client of a Cognito user pool. Principals are the pool's users, by their `sub`. */
  static cognito(
    pool: IUserPool,
    client: IUserPoolClient,
    { tokenUse = 'access', ...claims }: CognitoOptions = {},
  ): MidturnAuth {
    // https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
    // The provider's name is `cognito-idp.<the pool's region>.<domain>/<the pool's id>`, as in the same page's `iss`.
    const issuer = `https://${pool.userPoolProviderName}`;
    return new MidturnAuth({
      ...MidturnAuth.jwt({ issuer, audience: client.userPoolClientId, ...claims }).props,
      jwtTokenUse: tokenUse,
    });
  }

  /**
   * Tokens of a user pool that is made for this Midturn: `users` of the construct. The page that signs users in needs
   * the outputs whose names begin with the construct's id and `UserPoolId` or `UserPoolClientId`, such as `ChatUserPoolId0A1B2C3D`.
   *
   *     auth: MidturnAuth.newUserPool({ callbackUrls: ['https://chat.example.com/'], domainPrefix: 'our-chat' })
   */
  static newUserPool(options: NewUserPoolOptions = {}): MidturnAuth {
    return new MidturnAuth({ auth: 'jwt' }, options);
  }

  /** Signed tokens of an issuer that publishes its keys. */
  static jwt({ issuer, audience, jwksUri, tenantClaim, claims }: JwtOptions): MidturnAuth {
    return new MidturnAuth({
      auth: 'jwt',
      jwtIssuer: issuer,
      jwtAudience: audience,
      ...(jwksUri !== undefined && { jwtJwksUri: jwksUri }),
      ...(tenantClaim !== undefined && { jwtTenantClaim: tenantClaim }),
      ...(claims && claims.length > 0 && { jwtClaims: claims.join(',') }),
    });
  }

  /** @param secret name of the Secrets Manager secret with the tokens and their principals: `token=tenant/subject,…` */
  static tokens(secret: string): MidturnAuth {
    return new MidturnAuth({ auth: 'tokens', tokensSecret: secret });
  }

  /** Everybody can connect, and all are one principal. A deployment takes `openToAnyone: true` as well. */
  static none({ openToAnyone = false }: { openToAnyone?: boolean } = {}): MidturnAuth {
    return new MidturnAuth({ auth: 'none', ...(openToAnyone && { openToAnyone }) });
  }

  /** The props that it stands for. Those of a new user pool follow when there is one. */
  readonly props: Readonly<AuthProps>;
  /** Of the user pool that is to be made. */
  readonly newUsers: NewUserPoolOptions | undefined;

  private constructor(props: AuthProps, newUsers?: NewUserPoolOptions) {
    this.props = props;
    this.newUsers = newUsers;
  }
}
