import { Template } from 'aws-cdk-lib/assertions';
import { App, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import { expect, it } from 'vitest';
import { SettingError } from '../config/settings/setting.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { createUsers } from './users.ts';

/** Without the CDK's own validation, which takes time. */
const context = { '@aws-cdk/core:validateAgainstDefaultRules': false };

const made = (options: Parameters<typeof createUsers>[1], policy?: RemovalPolicy) => {
  const stack = new Stack(new App({ context, outdir: temporaryFolder() }), 'Users');
  return { users: createUsers(stack, options, policy), template: Template.fromStack(stack) };
};
// The first synth loads modules of the CDK. It runs here, so that no test waits for it.
made({});

const hosted = (url: string) => ({ callbackUrls: [url], domainPrefix: 'our-chat' });

it.each([
  'https://chat.example.com/',
  'http://localhost',
  'http://localhost/',
  'http://localhost:5173/back',
  'chat://signed-in',
  'com.example.chat+1://x',
  Lazy.string({ produce: () => 'https://later.example.com/' }),
])('Cognito’s login page may return to %s', (url) => {
  const { template } = made({ ...hosted(url), logoutUrls: [url] });
  template.resourceCountIs('AWS::Cognito::UserPoolDomain', 1);
  const [client] = Object.values(template.findResources('AWS::Cognito::UserPoolClient'));
  expect(client?.Properties).toMatchObject({
    CallbackURLs: [expect.any(String)],
    LogoutURLs: [expect.any(String)],
    AllowedOAuthScopes: ['openid', 'email'],
  });
});

it.each([
  'http://chat.example.com/',
  'http://localhost.example.com/',
  'http://127.0.0.1/',
  'chat.example.com',
  '//chat.example.com',
  'HTTP://chat.example.com/',
  '1://chat.example.com/',
  '',
])('and not to "%s"', (url) => {
  for (const options of [hosted(url), { ...hosted('https://a.example'), logoutUrls: [url] }]) {
    expect(() => made(options)).toThrow(SettingError);
    expect(() => made(options)).toThrow(`auth: "${url}" must be an https URL`);
  }
});

it('a page to sign out to is none without one to sign in from', () => {
  expect(() => made({ logoutUrls: ['https://a.example'] })).toThrow('auth: callbackUrls is empty');
});

it('a pool stays, or goes with the stack as the table does', () => {
  for (const [policy, deletion, protection] of [
    [undefined, 'Retain', 'ACTIVE'],
    [RemovalPolicy.RETAIN, 'Retain', 'ACTIVE'],
    [RemovalPolicy.DESTROY, 'Delete', 'INACTIVE'],
  ] as const) {
    const [pool] = Object.values(made({}, policy).template.findResources('AWS::Cognito::UserPool'));
    expect([pool?.DeletionPolicy, pool?.Properties.DeletionProtection]).toEqual([deletion, protection]);
    expect(pool?.Properties.Policies.PasswordPolicy).toMatchObject({ MinimumLength: 12 });
  }
});

it('the address of the login page is an output where there is one', () => {
  expect(Object.keys(made({}).template.findOutputs('*'))).toEqual(['UserPoolId', 'UserPoolClientId']);
  const { users, template } = made(hosted('https://a.example'));
  expect(Object.keys(template.findOutputs('*'))).toContain('LoginUrl');
  expect(users.domain).toBeDefined();
});
