import type { ConditionContext } from '../iam/condition.ts';
import { evaluate, matches, type Verdict } from '../iam/evaluate.ts';
import type { Matcher } from '../iam/statement.ts';
import type { Log } from '../log.ts';
import { ACCOUNT, REGION } from '../world.ts';
import type { AwsCaller } from './caller.ts';
import type { PlacedStatement, Roles } from './roles.ts';

/** One permission that a request needs. */
export interface Need {
  /** `dynamodb:GetItem` */
  action: string;
  /** An ARN, or `*` for an action without resources. */
  resource: string;
  /** Condition keys that the service sets for this permission, in lower case. */
  conditions?: Readonly<Record<string, string>>;
}

/** A permission that was needed, and IAM's decision. */
export interface Check extends Need {
  allowed: boolean;
  /** Id of the deciding statement. Absent if no statement matched. */
  statement?: string;
}

/** A call of an AWS service by a function, or by AWS on its behalf. */
export interface Call {
  /** The function's name, or the service that calls by itself: `API Gateway`, `EventBridge`. */
  function: string;
  /** `platform`: Lambda used the function's role (poller, logs, traces), or API Gateway invoked the function. */
  by: 'function' | 'platform';
  /** The service's name in a request's signature: `dynamodb`, `sqs`, `execute-api`, … */
  service: string;
  /** The API's name of the operation: `UpdateItem`, `SendMessageBatch`. */
  operation: string;
  /** One for most operations, and one per table for a batch. */
  checks: readonly Check[];
  allowed: boolean;
  /** Time of arrival in milliseconds since the epoch. */
  at: number;
  /** Sizes of the bodies, without headers. */
  requestBytes: number;
  responseBytes: number;
  /** DynamoDB's read or write units, if an observer asked for capacity. Absent for a failed call. */
  capacityUnits?: number;
  /** A conditional write of DynamoDB failed, which AWS bills too. Set if an observer asked for capacity. */
  conditionFailed?: true;
  /** The request's JSON body. Set if an observer asked for capacity. */
  request?: Readonly<Record<string, unknown>>;
}

interface Denial extends Need {
  function: string;
  why: string;
  /** The number of denials. */
  count: number;
}

/** The parts of a role's statement that no call has used. */
interface UnusedPermission {
  role: string;
  statement: string;
  /** Actions that no call needed, as written. */
  actions: readonly string[];
  /** Resources that no call used, as written. */
  resources: readonly string[];
  /** Whether no call used the statement. */
  whole: boolean;
}

interface ObserverOptions {
  /** Whether DynamoDB is asked for each call's consumed capacity. Functions do not see it. @default false */
  capacity?: boolean;
}

/** An action or a resource of a statement, as written. */
export type StatementPart = { action: string } | { resource: string };

/** The permissions of a local cloud, for tests and tools that read or change them. */
export interface Permissions {
  /** All statements of all roles. */
  statements(): readonly PlacedStatement[];
  /** Statements of resource policies, such as those that allow invoking a function. */
  resourceStatements(): readonly PlacedStatement[];
  /**
   * Removes a statement, or one of its actions or resources, from the next call on.
   * @returns a function that restores it
   */
  withhold(statement: string, part?: StatementPart): () => void;
  /** All denials so far, one for each function, action and resource. */
  denials(): readonly Denial[];
  /** The permissions that no call has needed since the start. `Deny` statements are not listed. */
  unusedPermissions(): UnusedPermission[];
  /** Calls the observer after every answered call. @returns a function that stops it */
  onCall(listener: (call: Call) => void, options?: ObserverOptions): () => void;
}

/** A call that is being answered. */
export interface Attempt {
  allowed: boolean;
  /** The denied permission, for the answer. */
  denied?: Need & { why: string };
  /** Notifies the observers. */
  done(
    result: Pick<Call, 'requestBytes' | 'responseBytes' | 'capacityUnits' | 'conditionFailed' | 'request'>,
  ): void;
}

export interface Access extends Permissions {
  /** Decides a call and records the decision. */
  attempt(
    caller: AwsCaller,
    what: Pick<Call, 'by' | 'service' | 'operation'> & { needs: readonly Need[] },
  ): Attempt;
  /** Decides without a record. */
  mayBeAllowed(caller: AwsCaller, need: Need): boolean;
  /** Whether an observer asked for consumed capacity. */
  readonly wantsCapacity: boolean;
}

/** Ids that differ for each connection or environment. They share one record. */
const CHANGING = /(\/@connections\/|:log-stream:).*$/;

interface Use {
  actions: Set<string>;
  resources: Set<string>;
}

/** Decides calls by the template's policies, and records them. */
export function createAccess(roles: Roles, log: Log): Access {
  const withheld = new Set<Withheld>();
  let effective = new Map<string, readonly PlacedStatement[]>();
  let ofResources: readonly PlacedStatement[] = [];
  const uses = new Map<string, Use>();
  const denials = new Map<string, Denial>();
  const observers = new Map<(call: Call) => void, ObserverOptions>();

  const all = () => roles.names.flatMap((role) => [...roles.statementsOf(role)]);

  function refresh(): void {
    const left = (statements: readonly PlacedStatement[]) =>
      statements.flatMap((statement) => without(statement, withheld));
    effective = new Map(roles.names.map((role) => [role, left(roles.statementsOf(role))]));
    ofResources = left(roles.ofResources);
  }
  refresh();

  function judge(caller: AwsCaller, need: Need): Verdict<PlacedStatement> {
    const own = caller.kind === 'function' ? (effective.get(caller.role) ?? []) : [];
    // Within one account, the role's or the resource's policy may allow, and either may deny.
    const about = ofResources.filter((statement) => names(statement, caller));
    const context: ConditionContext = new Map([
      ...contextOf(caller),
      ...Object.entries(need.conditions ?? {}),
    ]);
    return evaluate([...own, ...about], { ...need, context });
  }

  function keepUse(statement: PlacedStatement, { action, resource }: Need): void {
    const use = uses.get(statement.id) ?? { actions: new Set(), resources: new Set() };
    uses.set(statement.id, use);
    use.actions.add(action);
    use.resources.add(resource.replace(CHANGING, '$1*'));
  }

  function keepDenial(caller: AwsCaller, { action, resource }: Need, why: string): void {
    const family = resource.replace(CHANGING, '$1*');
    const key = `${caller.name} ${action} ${family}`;
    const known = denials.get(key);
    if (known) {
      known.count += 1;
      return;
    }
    denials.set(key, { function: caller.name, action, resource: family, why, count: 1 });
    const text = `not authorized to perform ${action} on ${family}: ${why}`;
    log({ level: 'error', source: caller.name, text });
  }

  return {
    attempt(caller, { by, service, operation, needs }) {
      const at = Date.now();
      let denied: (Need & { why: string }) | undefined;
      const checks = needs.map((need): Check => {
        const verdict = judge(caller, need);
        if (verdict.allowed) keepUse(verdict.by, need);
        else {
          keepDenial(caller, need, verdict.why);
          denied ??= { ...need, why: verdict.why };
        }
        return { ...need, allowed: verdict.allowed, ...(verdict.by && { statement: verdict.by.id }) };
      });
      const allowed = denied === undefined;
      return {
        allowed,
        ...(denied && { denied }),
        done(result) {
          if (observers.size === 0) return;
          const call = { function: caller.name, by, service, operation, checks, allowed, at, ...result };
          for (const listener of observers.keys()) listener(call);
        },
      };
    },
    mayBeAllowed: (caller, need) => judge(caller, need).allowed,
    get wantsCapacity() {
      return [...observers.values()].some(({ capacity }) => capacity === true);
    },
    statements: all,
    resourceStatements: () => roles.ofResources,
    withhold(statement, part) {
      const entry: Withheld = { statement, ...(part && { part }) };
      withheld.add(entry);
      refresh();
      return () => {
        withheld.delete(entry);
        refresh();
      };
    },
    denials: () => [...denials.values()],
    unusedPermissions: () => all().flatMap((statement) => unusedOf(statement, uses.get(statement.id))),
    onCall(listener, options = {}) {
      observers.set(listener, options);
      return () => {
        observers.delete(listener);
      };
    },
  };
}

interface Withheld {
  statement: string;
  part?: StatementPart;
}

/** The unused parts of a statement. */
function without(statement: PlacedStatement, withheld: Iterable<Withheld>): PlacedStatement[] {
  let { actions, resources } = statement;
  for (const { part, statement: id } of withheld) {
    if (id !== statement.id) continue;
    if (!part) return [];
    if ('action' in part) actions = less(actions, part.action);
    else resources = less(resources, part.resource);
  }
  return actions.patterns.length > 0 && resources.patterns.length > 0
    ? [{ ...statement, actions, resources }]
    : [];
}

function less({ not, patterns, compiled }: Matcher, pattern: string): Matcher {
  const isKept = (_: unknown, at: number) => patterns[at] !== pattern;
  return { not, patterns: patterns.filter(isKept), compiled: compiled.filter(isKept) };
}

function names({ principals = [] }: PlacedStatement, caller: AwsCaller): boolean {
  return principals.some((principal) => {
    if (principal.kind === 'anybody') return true;
    if (caller.kind === 'service') return principal.kind === 'Service' && principal.id === caller.service;
    const accountRoot = `:${ACCOUNT}:root`;
    return (
      principal.kind === 'AWS' &&
      (principal.id === caller.roleArn || principal.id === ACCOUNT || principal.id.endsWith(accountRoot))
    );
  });
}

function contextOf(caller: AwsCaller): ConditionContext {
  // The loopback addresses stand for AWS's endpoints, which use HTTPS.
  const context = new Map<string, string>([
    ['aws:securetransport', 'true'],
    ['aws:requestedregion', REGION],
    ['aws:currenttime', new Date().toISOString()],
    ['aws:epochtime', String(Math.floor(Date.now() / 1000))],
  ]);
  if (caller.kind === 'service') {
    context.set('aws:sourcearn', caller.sourceArn).set('aws:sourceaccount', ACCOUNT);
    context.set('aws:principalservicename', caller.service).set('aws:principalisawsservice', 'true');
    return context;
  }
  context.set('aws:principalarn', caller.roleArn).set('aws:principalaccount', ACCOUNT);
  context.set('aws:principaltype', 'AssumedRole').set('aws:principalisawsservice', 'false');
  return context.set('lambda:sourcefunctionarn', caller.functionArn);
}

function unusedOf(statement: PlacedStatement, use: Use | undefined): UnusedPermission[] {
  if (statement.effect === 'Deny' || statement.role === undefined) return [];
  const unused = (matcher: Matcher, used: Iterable<string> = []) => {
    // NotAction and NotResource list what is not allowed, so no part of them can be removed.
    if (matcher.not) return [];
    const texts = [...used];
    return matcher.patterns.filter(
      (_, at) =>
        !texts.some((text) => matches({ ...matcher, compiled: matcher.compiled.slice(at, at + 1) }, text)),
    );
  };
  const actions = unused(statement.actions, use?.actions);
  const resources = unused(statement.resources, use?.resources);
  if (use && actions.length === 0 && resources.length === 0) return [];
  return [{ role: statement.role, statement: statement.id, actions, resources, whole: use === undefined }];
}
