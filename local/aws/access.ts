import type { RequestContext } from '../iam/condition.ts';
import { evaluate, matches, type Verdict } from '../iam/evaluate.ts';
import type { Matcher } from '../iam/statement.ts';
import type { Log } from '../log.ts';
import { ACCOUNT, REGION } from '../world.ts';
import type { Caller } from './caller.ts';
import type { PlacedStatement, Roles } from './roles.ts';

/** One thing that a request needs to be allowed. */
export interface Need {
  /** `dynamodb:GetItem` */
  action: string;
  /** ARN; `*` for an action that knows no resources. */
  resource: string;
}

/** A need and what IAM said of it. */
export interface Check extends Need {
  allowed: boolean;
  /** Id of the statement that decided; absent if none was about it. */
  statement?: string;
}

/** A call that a function made of AWS, or that AWS made in its name. */
export interface Call {
  /** The function's name; `API Gateway` for the one service that is a caller of its own. */
  function: string;
  /** `platform`: Lambda itself used the function's role (its poller, its logs, its traces), or invoked the function. */
  by: 'function' | 'platform';
  /** As in a request's signature: `dynamodb`, `sqs`, `execute-api`, … */
  service: string;
  /** As the API names it: `UpdateItem`, `SendMessageBatch`. */
  operation: string;
  /** One for most operations; a batch needs one per table. */
  checks: readonly Check[];
  allowed: boolean;
  /** Milliseconds since the epoch at which it came in. */
  at: number;
  /** Bodies, without headers. */
  requestBytes: number;
  responseBytes: number;
  /** DynamoDB's read or write units, if an observer asked for them; absent for a call that failed. */
  capacityUnits?: number;
  /** A conditional write of DynamoDB was refused, which AWS bills too; if an observer asked for capacity. */
  conditionFailed?: true;
  /** What was asked for, as the protocol spells it, where that is JSON; if an observer asked for capacity. */
  request?: Readonly<Record<string, unknown>>;
}

interface Denial extends Need {
  function: string;
  why: string;
  /** How often. */
  count: number;
}

/** What of a role's statement no call has used so far. */
interface UnusedPermission {
  role: string;
  statement: string;
  /** Actions, as written, that no call needed. */
  actions: readonly string[];
  /** Resources, as written, that no call was about. */
  resources: readonly string[];
  /** Whether the whole statement was of no use. */
  whole: boolean;
}

interface ObserverOptions {
  /** Whether to ask DynamoDB for the capacity that each call consumed; functions do not see it. @default false */
  capacity?: boolean;
}

/** An action or a resource of a statement, as written there. */
export type StatementPart = { action: string } | { resource: string };

/** What whoever runs the local cloud can see and change of its permissions. */
export interface Permissions {
  /** Every statement of every role. */
  statements(): readonly PlacedStatement[];
  /** Statements of resources' own policies: who may invoke a function, and the like. */
  resourceStatements(): readonly PlacedStatement[];
  /**
   * Takes a statement away, or one of its actions or resources alone, from the next call on.
   * @returns a function that gives it back.
   */
  withhold(statement: string, part?: StatementPart): () => void;
  /** What was denied so far, once for each function, action and resource. */
  denials(): readonly Denial[];
  /** What no call has needed since the start. Statements that deny are not listed. */
  unusedPermissions(): UnusedPermission[];
  /** Hears of every call once it was answered. @returns a function that ends it. */
  onCall(listener: (call: Call) => void, options?: ObserverOptions): () => void;
}

/** A call under way. */
export interface Attempt {
  allowed: boolean;
  /** What was denied, for the answer. */
  denied?: Need & { why: string };
  /** Tells the observers. */
  done(
    result: Pick<Call, 'requestBytes' | 'responseBytes' | 'capacityUnits' | 'conditionFailed' | 'request'>,
  ): void;
}

export interface Access extends Permissions {
  /** Decides a call, and records the decision. */
  attempt(
    caller: Caller,
    what: Pick<Call, 'by' | 'service' | 'operation'> & { needs: readonly Need[] },
  ): Attempt;
  /** The same question without a record. */
  mayBeAllowed(caller: Caller, need: Need): boolean;
  /** Whether an observer asks for consumed capacity. */
  readonly wantsCapacity: boolean;
}

/** Ids that are new with each connection or environment: one line for all of them. */
const CHANGING = /(\/@connections\/|:log-stream:).*$/;

interface Use {
  actions: Set<string>;
  resources: Set<string>;
}

/** Decides what callers may do by the template's policies, and keeps what was asked. */
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

  function judge(caller: Caller, need: Need): Verdict<PlacedStatement> {
    const own = caller.kind === 'function' ? (effective.get(caller.role) ?? []) : [];
    // Within one account either side may allow, and either side may deny.
    const about = ofResources.filter((statement) => names(statement, caller));
    return evaluate([...own, ...about], { ...need, context: contextOf(caller) });
  }

  function keepUse(statement: PlacedStatement, { action, resource }: Need): void {
    const use = uses.get(statement.id) ?? { actions: new Set(), resources: new Set() };
    uses.set(statement.id, use);
    use.actions.add(action);
    use.resources.add(resource.replace(CHANGING, '$1*'));
  }

  function keepDenial(caller: Caller, { action, resource }: Need, why: string): void {
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

/** What is left of a statement. */
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

function names({ principals = [] }: PlacedStatement, caller: Caller): boolean {
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

function contextOf(caller: Caller): RequestContext {
  // The local cloud's loopback addresses stand for AWS's endpoints, which are reached by HTTPS.
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
    // What NotAction and NotResource list is what is not allowed: there is nothing to take out.
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
