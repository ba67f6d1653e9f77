import { LOCAL_DEFAULTS } from '../config/settings/table.ts';
import type { Deployment } from '../local/aws/real/plan.ts';
import { BEDROCK_ENDPOINT, type LocalApp, settingsOfTheCloud } from '../local/cloud.ts';
import { LocalCloudError } from '../local/errors.ts';
import { synthesizeApp } from '../local/synth.ts';
import { allDescribedIn, type Described } from '../local/template/described.ts';
import type { Resource, Template, Value } from '../local/template/template.ts';

/** Which Midturn of an app is meant. */
export interface Choice {
  /** Name of its stack. @default - any */
  stack?: string | undefined;
  /** The construct's id, or its path. @default - any */
  id?: string | undefined;
}

/** An app with the Midturn that was chosen of it. */
export interface TheirApp extends LocalApp {
  /** Where its stack is deployed. */
  deployment: Deployment;
  /** As it was synthesized, for what is known before the local cloud runs. */
  text: string;
  /** Paths of all Midturns of its stack: first the one that runs. */
  midturns: readonly [string, ...string[]];
}

interface Found {
  stack: string;
  text: string;
  midturn: Described;
}

/**
 * Synthesizes the app of a folder for the local cloud, and finds the Midturn that was chosen.
 * @param settings of the functions, which stand in the place of props
 * @throws {LocalCloudError} with the app's error, or for an app without such a Midturn
 */
export async function readTheirApp(
  folder: string,
  { [BEDROCK_ENDPOINT]: _, ...settings }: Readonly<Record<string, string>>,
  choice: Choice = {},
): Promise<TheirApp> {
  const asked = { ...LOCAL_DEFAULTS, ...settings, ...settingsOfTheCloud('http://127.0.0.1') };
  const part = [choice.stack, choice.id].filter((name) => name !== undefined).join('-');
  const { templates, fillIn, deploymentOf } = await synthesizeApp(folder, asked, part);
  const all = [...templates].flatMap(([stack, text]) =>
    allDescribedIn(JSON.parse(text) as Template).map((midturn) => ({ stack, text, midturn })),
  );
  const { stack, text, midturn } = chosenOf(all, [...templates.keys()], choice);
  const { agent, page, path } = midturn;
  if (agent === undefined) throw new LocalCloudError(`${path} has no prop agent.`);
  const others = all.filter((one) => one.stack === stack && one.midturn !== midturn);
  const otherPaths = others.map((one) => one.midturn.path);
  return {
    agent,
    ...(page !== undefined && { page }),
    template: (given) => onlyOf(midturn.path, fillIn(text, given)),
    leftOut: ({ Metadata = {} }: Resource) =>
      otherPaths.some((other) => String(Metadata['aws:cdk:path'] ?? '').startsWith(`${other}/`)),
    deployment: await deploymentOf(stack),
    text,
    midturns: [path, ...otherPaths],
  };
}

/** @throws {LocalCloudError} unless exactly one is meant */
function chosenOf(all: readonly Found[], stacks: readonly string[], { stack, id }: Choice): Found {
  const ofStack = all.filter((one) => stack === undefined || one.stack === stack);
  if (ofStack.length === 0) {
    const names = stacks.join(', ') || 'none';
    throw new LocalCloudError(
      stack === undefined
        ? `no stack of the app has a Midturn. Its stacks: ${names}.`
        : `the app has no stack ${stack} with a Midturn. Its stacks: ${names}.`,
    );
  }
  const isMeant = ({ midturn: { path } }: Found) =>
    id === undefined || path === id || path.endsWith(`/${id}`);
  const [chosen, ...others] = ofStack.filter(isMeant);
  const paths = ofStack.map(({ midturn }) => midturn.path).join(', ');
  if (!chosen) throw new LocalCloudError(`the app has no Midturn ${id}. It has ${paths}.`);
  if (others.length === 0) return chosen;
  throw new LocalCloudError(
    `the app has several Midturns: ${paths}. Choose one with --id; another one runs in a second terminal, with another PORT.`,
  );
}

/** A template that describes one Midturn. */
function onlyOf(path: string, template: Template): Template {
  const { Midturn } = template.Metadata ?? {};
  const isIt = (one: Value) => Object(one).path === path;
  return {
    ...template,
    Metadata: { ...template.Metadata, Midturn: Array.isArray(Midturn) ? Midturn.filter(isIt) : [] },
  };
}
