import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Call, Check, StatementPart } from '../../local/aws/access.ts';
import type { PlacedStatement } from '../../local/aws/roles.ts';
import { matches } from '../../local/iam/evaluate.ts';
import { compilePattern } from '../../local/iam/pattern.ts';
import { synthesizedStatements } from '../../local/template/synthesized.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { WAIT_MS } from '../support/timeouts.ts';
import { endEnvironments } from '../support/workers.ts';
import { TOUR_AGENT } from './file-scenes.ts';
import { openTourQueues, type TourQueues } from './queues.ts';
import { SCENES, startVisit, TOUR_LIMITS, TOUR_SECRETS, TOUR_SETTINGS, tourScript } from './tour.ts';
import type { Scene, Visit } from './visit.ts';

/**
 * Least privilege: with all of its permissions the product works, each of them is used, and without any one of them a call
 * is denied. One local cloud, whose policies change under it.
 */

const { ofRoles, ofResources } = await synthesizedStatements({
  ...TOUR_SETTINGS,
  MIDTURN_STAGE: 'local',
});

/** What can be taken out of a statement: it, one of its actions, one of its resources. */
interface Removal {
  title: string;
  statement: PlacedStatement;
  part?: StatementPart;
}

const allowing = ofRoles.filter(({ effect }) => effect === 'Allow');
const removals = allowing.flatMap((statement): Removal[] => {
  const { id, actions, resources } = statement;
  const parts: Removal[] = actions.patterns.map((action) => ({
    title: `${id} without ${action}`,
    statement,
    part: { action },
  }));
  if (resources.patterns.length > 1) {
    for (const resource of resources.patterns) {
      parts.push({ title: `${id} without ${resource}`, statement, part: { resource } });
    }
  }
  // Of one action, the statement is that action.
  return actions.patterns.length > 1 ? [{ title: `without ${id}`, statement }, ...parts] : parts;
});

const folder = join(import.meta.dirname, '../../dist/agent-of-the-tour');
let stack: Stack;
let queues: TourQueues;
let visit: Visit;
/** Of every call that the whole tour made: what it took, who made it, and in which scene. */
const toured: { scene: Scene; caller: string; check: Check }[] = [];

function listen(to: (call: Call) => void): () => void {
  return stack.cloud.permissions.onCall(to);
}

/** Calls that are made once for each execution environment: by every function, or by this one. */
const ONCE = ['logs:CreateLogStream', 'xray:PutTelemetryRecords', 'secretsmanager:GetSecretValue'];
const ONCE_BY: Record<string, string[]> = { connection: ['sqs:SendMessage'] };

const isMadeOnce = ({ caller, check }: { caller: string; check: Check }): boolean =>
  [...ONCE, ...(ONCE_BY[caller] ?? [])].includes(check.action);

/**
 * Plays a scene until something is denied. Gives what was denied, also of what happens in between: an environment that
 * `prepare` has ended may start anew for a connection of the scene before, and is denied what each asks once.
 */
async function playUntilDenied(
  scene: Scene,
  prepare: () => Promise<void> = async () => {},
): Promise<{ caller: string; check: Check }[]> {
  const denied: { caller: string; check: Check }[] = [];
  const first = Promise.withResolvers<void>();
  const stop = listen((call) => {
    for (const check of call.checks) {
      if (check.allowed) continue;
      denied.push({ caller: call.function, check });
      first.resolve();
    }
  });
  await prepare();
  let failure: unknown;
  // What becomes of the scene after the denial is no matter; without one it may say why there was none.
  scene.play(visit).catch((error: unknown) => {
    failure = error;
  });
  const timer = setTimeout(
    () => first.reject(new Error(`Nothing was denied in "${scene.name}".`, { cause: failure })),
    // A scene waits for several things.
    2 * WAIT_MS,
  );
  try {
    await first.promise;
    return denied;
  } finally {
    clearTimeout(timer);
    stop();
  }
}

beforeAll(async () => {
  const { MIDTURN_MODEL_BASE_URL: _, ...settings } = TOUR_SETTINGS;
  stack = await startStack({
    settings,
    secrets: TOUR_SECRETS,
    gatewayLimits: TOUR_LIMITS,
    bundles: () => buildVariant({ files: { 'agent/agent.ts': TOUR_AGENT } }, folder),
  });
  stack.model.script(tourScript);
  queues = await openTourQueues(stack.cloud.sqs);
});

afterEach(() => {
  visit.leave();
});

afterAll(async () => {
  queues.close();
  await stack.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

describe('with every permission', () => {
  it.each(SCENES)('the tour shows $name, and nothing is denied', async (scene) => {
    visit = startVisit(stack, queues);
    const stop = listen(({ function: caller, checks }) => {
      for (const check of checks) toured.push({ scene, caller, check });
    });
    await scene.play(visit);
    stop();
    expect(stack.cloud.permissions.denials()).toEqual([]);
  });

  it('the roles of the running functions are those of the template', () => {
    const ids = (statements: readonly PlacedStatement[]) => statements.map(({ id }) => id);
    expect(ids(stack.cloud.permissions.statements())).toEqual(ids(ofRoles));
  });

  it('no statement, action or resource of a role is left unused', () => {
    expect(stack.cloud.permissions.unusedPermissions()).toEqual([]);
  });
});

describe('a denied call is that of the function, the action and the resource', () => {
  it.each(removals.map((removal) => [removal.title, removal] as const))(
    '%s',
    // On a slow machine a call can be needless, so that nothing is denied: a wait that is over before its client vanishes, and a turn
    // that is taken over, have been seen (`untilHeard`). A scene that meets another such order is played again, which hides no
    // permission that is missing from a role or needless in it.
    { retry: 1 },
    async (_, { statement, part }) => {
      const isMissed = (check: Pick<Check, 'action' | 'resource'>) => {
        if (part === undefined) return matches(statement.actions, check.action);
        return 'action' in part
          ? compilePattern(part.action, { ignoreCase: true })(check.action)
          : compilePattern(part.resource)(check.resource);
      };
      const use = toured.find(({ check }) => check.statement === statement.id && isMissed(check));
      if (!use) throw new Error('no scene of the tour needs it');
      visit = startVisit(stack, queues);
      const giveBack = stack.cloud.permissions.withhold(statement.id, part);
      try {
        const denied = await playUntilDenied(use.scene, async () => {
          if (isMadeOnce(use)) await endEnvironments(stack.cloud, use.caller);
        });
        for (const { caller, check } of denied) {
          expect(caller).toBe(use.caller);
          expect(isMissed(check), `${check.action} on ${check.resource}`).toBe(true);
        }
      } finally {
        giveBack();
        // Environments that began without it would go on without it.
        if (isMadeOnce(use)) await endEnvironments(stack.cloud, use.caller);
      }
    },
  );
});

describe('a route whose function API Gateway may not invoke', () => {
  const invocations = ofResources.filter(({ actions }) => matches(actions, 'lambda:InvokeFunction'));

  it.each(invocations.map(({ id }) => [id]))('is denied: %s', async (id) => {
    const use = toured.find(({ check }) => check.statement === id);
    if (!use) throw new Error('no scene of the tour needs it');
    visit = startVisit(stack, queues);
    const giveBack = stack.cloud.permissions.withhold(id);
    try {
      const [denied] = await playUntilDenied(use.scene);
      expect(denied).toMatchObject({ caller: 'API Gateway', check: { action: 'lambda:InvokeFunction' } });
    } finally {
      giveBack();
    }
  });

  it('fails with 500, at the handshake as for a frame', async () => {
    visit = startVisit(stack, queues);
    const permissionFor = (source: RegExp) => invocations.find(({ id }) => source.test(id))?.id ?? '';
    for (const source of [/authorizers\//, /\*\$connect]/]) {
      const giveBack = stack.cloud.permissions.withhold(permissionFor(source));
      await expect(visit.connect()).rejects.toMatchObject({ statusCode: 500 });
      giveBack();
    }
    const client = await visit.connect();
    const giveBack = stack.cloud.permissions.withhold(permissionFor(/\*\$default]/));
    client.send({ type: 'ping' });
    await client.next((frame) => frame.type === undefined && frame.message === 'Internal server error');
    giveBack();
  });
});
