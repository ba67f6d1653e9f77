import { Token } from 'aws-cdk-lib/core';
import { checkEach } from '../config/settings/check.ts';
import { read, settingsIn } from '../config/settings/read.ts';
import { type Environment, SettingError } from '../config/settings/setting.ts';
import { STACK_SETTINGS } from '../config/settings/table.ts';
import type { ExistingDomain } from './plain-props.ts';

const {
  alarms: ALARMS,
  alarmTopicArn: ALARM_TOPIC,
  defaultEndpoint: DEFAULT_ENDPOINT,
  domain: { name: DOMAIN_NAME },
  edge: { webAclArn: WEB_ACL, domainName: EDGE_DOMAIN, certificateArn: EDGE_CERTIFICATE },
  turnPollers: { min: POLLERS_MIN, max: POLLERS_MAX },
  turnMaxConcurrency: MAX_CONCURRENCY,
  turnReservedConcurrency: RESERVED_CONCURRENCY,
} = STACK_SETTINGS;

type Named = { readonly name: string };

/**
 * Checks the settings of the stack, each by its entry and then beside the others.
 * @param existing a host name of the app's own, which no setting names
 * @throws {SettingError} for the first setting that has a bad value, or cannot be used beside another
 */
export function checkStackSettings(settings: Environment, existing?: ExistingDomain): void {
  // A reference to another resource of the app has no text yet.
  checkEach(STACK_SETTINGS, settings, Token.isUnresolved);
  checkGroups(settings);
  if (settings[ALARM_TOPIC.name] && !read(settings, ALARMS)) {
    throw new SettingError(
      `${ALARM_TOPIC.name} is set, and ${ALARMS.name} is "false": no alarm would call it.`,
    );
  }
  checkEdge(settings, existing);
  checkMapping(settings, existing);
  checkAtMost(settings, POLLERS_MIN, POLLERS_MAX);
  // Otherwise Lambda would take messages for turns that it then has no environment for.
  checkAtMost(settings, MAX_CONCURRENCY, RESERVED_CONCURRENCY);
  if (settings[MAX_CONCURRENCY.name] && settings[POLLERS_MAX.name]) {
    throw new SettingError(
      `${MAX_CONCURRENCY.name} and ${POLLERS_MAX.name} are both set: AWS takes one of them.`,
    );
  }
}

/** Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-custom-domain-names.html */
const MAPPING_KEY = /^[A-Za-z0-9$_.+!*'()-]+$/;

function checkMapping(settings: Environment, existing: ExistingDomain | undefined): void {
  const { mappingKey } = existing ?? {};
  if (mappingKey !== undefined && !MAPPING_KEY.test(mappingKey)) {
    throw new SettingError(
      `domain.mappingKey is "${mappingKey}": it must be one part of a path, such as chat.`,
    );
  }
  if (existing && settings[WEB_ACL.name]) {
    throw new SettingError(
      `${WEB_ACL.name} is set, and domain is a host name of the app: CloudFront needs one that is made here, by name and certificate.`,
    );
  }
}

function checkEdge(settings: Environment, existing: ExistingDomain | undefined): void {
  const needs = (what: Named, need: Named) => {
    if (settings[what.name] && !settings[need.name]) {
      throw new SettingError(`${need.name} is not set: ${what.name} needs it.`);
    }
  };
  if (!read(settings, DEFAULT_ENDPOINT) && !settings[DOMAIN_NAME.name] && !existing) {
    throw new SettingError(
      `${DOMAIN_NAME.name} is not set: without it and with ${DEFAULT_ENDPOINT.name} "false", nothing could reach the API.`,
    );
  }
  if (!existing) needs(WEB_ACL, DOMAIN_NAME);
  needs(EDGE_DOMAIN, EDGE_CERTIFICATE);
  needs(EDGE_CERTIFICATE, EDGE_DOMAIN);
  if (settings[EDGE_DOMAIN.name] && settings[EDGE_DOMAIN.name] === settings[DOMAIN_NAME.name]) {
    throw new SettingError(
      `${EDGE_DOMAIN.name} and ${DOMAIN_NAME.name} are the same: CloudFront reaches the API under a name of its own.`,
    );
  }
  if (settings[WEB_ACL.name] && read(settings, DEFAULT_ENDPOINT)) {
    throw new SettingError(
      `${DEFAULT_ENDPOINT.name} is "true": with ${WEB_ACL.name}, it must be "false", or clients could go around the web ACL.`,
    );
  }
}

/** A group that is set has those of its settings that it needs. */
function checkGroups(settings: Environment): void {
  const all = settingsIn(STACK_SETTINGS).filter(({ path: [, field] }) => field !== undefined);
  for (const { setting: chosen, path } of all) {
    if (!settings[chosen.name]) continue;
    for (const { setting, path: other } of all) {
      if (other[0] === path[0] && setting.groupNeedsIt && !settings[setting.name]) {
        throw new SettingError(`${setting.name} is not set: ${chosen.name} needs it.`);
      }
    }
  }
}

function checkAtMost(settings: Environment, less: Named, more: Named): void {
  if (Number(settings[less.name] || 0) > Number(settings[more.name] || Number.POSITIVE_INFINITY)) {
    throw new SettingError(
      `${less.name} is "${settings[less.name]}": it must be at most ${more.name}, which is "${settings[more.name]}".`,
    );
  }
}
