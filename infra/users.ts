import {
  AccountRecovery,
  OAuthScope,
  UserPool,
  type UserPoolClient,
  type UserPoolDomain,
} from 'aws-cdk-lib/aws-cognito';
import { CfnOutput, RemovalPolicy, Token } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { SettingError } from '../config/settings/setting.ts';
import type { NewUserPoolOptions } from './auth.ts';

/** A user pool that was made for a Midturn. */
export interface Users {
  pool: UserPool;
  /** With which a page or an app signs users in. It has no secret: nobody could keep one there. */
  client: UserPoolClient;
  /** Of the login pages of Cognito, if they are wanted. */
  domain?: UserPoolDomain;
  /** What it was made of. */
  options: NewUserPoolOptions;
}

/**
 * Users sign in by their e-mail address. An app of one's own does it by SRP, which sends no password; Cognito's pages do it by the
 * authorization code flow with PKCE. The pool is removed, or kept, as the table is.
 *
 * @throws {SettingError} for a callback that Cognito refuses, or that no login page could return to
 */
export function createUsers(
  scope: Construct,
  options: NewUserPoolOptions,
  removalPolicy: RemovalPolicy = RemovalPolicy.RETAIN,
): Users {
  const { selfSignUp = false, callbackUrls = [], logoutUrls = [], domainPrefix } = options;
  check(callbackUrls, logoutUrls, domainPrefix);
  const pool = new UserPool(scope, 'Users', {
    selfSignUpEnabled: selfSignUp,
    signInAliases: { email: true },
    signInCaseSensitive: false,
    autoVerify: { email: true },
    accountRecovery: AccountRecovery.EMAIL_ONLY,
    passwordPolicy: { minLength: 12 },
    deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
    removalPolicy,
  });
  const isHosted = callbackUrls.length > 0;
  const client = pool.addClient('App', {
    generateSecret: false,
    preventUserExistenceErrors: true,
    authFlows: { userSrp: true },
    ...(isHosted
      ? {
          oAuth: {
            flows: { authorizationCodeGrant: true },
            scopes: [OAuthScope.OPENID, OAuthScope.EMAIL],
            callbackUrls: [...callbackUrls],
            logoutUrls: [...logoutUrls],
          },
        }
      : { disableOAuth: true }),
  });
  const domain =
    domainPrefix === undefined ? undefined : pool.addDomain('Login', { cognitoDomain: { domainPrefix } });
  new CfnOutput(scope, 'UserPoolId', { value: pool.userPoolId });
  new CfnOutput(scope, 'UserPoolClientId', { value: client.userPoolClientId });
  if (domain) new CfnOutput(scope, 'LoginUrl', { value: domain.baseUrl() });
  return { pool, client, options, ...(domain && { domain }) };
}

function check(
  callbackUrls: readonly string[],
  logoutUrls: readonly string[],
  domainPrefix: string | undefined,
): void {
  if (callbackUrls.length > 0 && domainPrefix === undefined) {
    throw new SettingError(
      'auth: domainPrefix is not set: callbackUrls are where Cognito’s login page returns to, and it has an address only then.',
    );
  }
  if (callbackUrls.length === 0 && (domainPrefix !== undefined || logoutUrls.length > 0)) {
    throw new SettingError('auth: callbackUrls is empty: Cognito’s login page could return nowhere.');
  }
  for (const url of [...callbackUrls, ...logoutUrls]) {
    // https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-app-integration.html
    if (
      Token.isUnresolved(url) ||
      /^https:\/\/|^http:\/\/localhost(?::|\/|$)|^(?!https?:)[a-z][a-z\d.+-]*:\/\//i.test(url)
    )
      continue;
    throw new SettingError(
      `auth: "${url}" must be an https URL, http://localhost, or one of an app’s own scheme.`,
    );
  }
}
