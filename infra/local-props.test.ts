import { DomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import { App, Stack } from 'aws-cdk-lib/core';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { MidturnAuth } from './auth.ts';
import { plainProps } from './local-props.ts';
import type { MidturnProps } from './props.ts';

const WEB_ACL = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/chat/a-b';
const DOMAIN = {
  name: 'api.example.com',
  certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c',
};
const GIVEN: MidturnProps = {
  agent: 'agent/agent.ts',
  model: 'bedrock:m',
  auth: MidturnAuth.jwt({ issuer: 'https://i.example', audience: 'chat', claims: ['plan'] }),
  domain: DOMAIN,
  edge: { webAclArn: WEB_ACL },
  originSecret: 'team/origin',
  page: true,
  inboxLimit: 5,
  name: 'chat',
  eventBus: true,
};
const JWT = { auth: 'jwt', jwtIssuer: 'https://i.example', jwtAudience: 'chat', jwtClaims: 'plan' };

/** The props as settings name them, in an app with this context. */
const plain = (given: MidturnProps = GIVEN, context: Record<string, unknown> = {}) =>
  plainProps(new Stack(new App({ context, outdir: temporaryFolder() }), 'Theirs'), given);

it('on AWS, props are what was given, in the form of settings', () => {
  expect(plain()).toEqual({ ...GIVEN, ...JWT, eventBus: 'default' });
  expect(plain({ model: 'demo', auth: 'none' })).toEqual({ model: 'demo', auth: 'none' });
});

it('a host name of the app is not one that is made', () => {
  const domainName = DomainName.fromDomainNameAttributes(
    new Stack(new App({ outdir: temporaryFolder() }), 'Names'),
    'Domain',
    {
      name: 'api.example.com',
      regionalDomainName: 'd-1.example.com',
      regionalHostedZoneId: 'Z1',
    },
  );
  const { domain, existingDomain } = plain({ ...GIVEN, domain: { domainName, mappingKey: 'chat' } });
  expect([domain, existingDomain]).toEqual([undefined, { domainName, mappingKey: 'chat' }]);
});

it.each([[undefined], [false], ['']])('nobody is told of events where the bus is %j', (eventBus) => {
  expect(plain({ ...GIVEN, ...(eventBus !== undefined && { eventBus }) } as MidturnProps).eventBus).toBe(
    eventBus === undefined ? 'default' : undefined,
  );
});

const SETTINGS = { MIDTURN_MODEL: 'demo', MIDTURN_AUTH: 'none', MIDTURN_INBOX_LIMIT: '7' };

it('on one machine, settings stand in their place, nothing is in front, and agent and page are the cloud’s', () => {
  expect(plain(GIVEN, { 'midturn:local': SETTINGS })).toEqual({
    ...JWT,
    auth: 'none',
    model: 'demo',
    inboxLimit: 7,
    name: 'chat',
    eventBus: 'default',
  });
});

it('for an emulator, settings stand in their place and nothing is in front; agent and page stay', () => {
  expect(plain(GIVEN, { 'midturn:emulator': SETTINGS })).toEqual({
    ...JWT,
    auth: 'none',
    agent: 'agent/agent.ts',
    page: true,
    model: 'demo',
    inboxLimit: 7,
    name: 'chat',
    eventBus: 'default',
  });
});
