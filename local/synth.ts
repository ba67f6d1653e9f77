import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FUNCTION_NAMES } from '../config/function-names.ts';
import type { Deployment } from './aws/real/plan.ts';
import { deploymentOf, localContext, readCdkJson, runCdkApp } from './cdk-app.ts';
import { LocalCloudError } from './errors.ts';
import { moduleGraph } from './module-graph.ts';
import { CACHE, ROOT } from './places.ts';
import type { Template, Value } from './template/template.ts';
import { STACK } from './world.ts';

const root = ROOT;
const cache = join(CACHE, 'synth');

/**
 * The app demands bundles, and the template names their folder. Empty ones stand in their place, so that a synth neither
 * waits for bundles nor depends on where they are.
 */
const BUNDLES = 'MIDTURN_BUNDLES';
const emptyBundles = join(cache, 'bundles');

/**
 * Settings that only pass through the template into a function's environment. They are synthesized as placeholders and
 * replaced afterwards. So the many clouds of a test run, each with its own ports, share one synth, and no key or token
 * is written to disk.
 */
const PASSED_THROUGH = [
  'MIDTURN_MANAGEMENT_ENDPOINT',
  'MIDTURN_MODEL_BASE_URL',
  'MIDTURN_MODEL_API_KEY',
  'MIDTURN_FALLBACK_MODEL_BASE_URL',
  'MIDTURN_FALLBACK_MODEL_API_KEY',
  'MIDTURN_TOKENS',
  'MIDTURN_MCP_TOKENS',
  'MIDTURN_MCP_URLS',
  'MIDTURN_JWT_ISSUER',
  'MIDTURN_JWT_AUDIENCE',
] as const;

/** A placeholder with the form of a URL, or of a server and its URL, which some settings require. */
function placeholder(name: string): string {
  const url = `https://${name.toLowerCase().replaceAll('_', '-')}.placeholder.invalid/`;
  return name === 'MIDTURN_MCP_URLS' ? `server=${url}` : url;
}

/** What an app is synthesized with, and how its template becomes that of one cloud. */
interface Placeholders {
  asked: Readonly<Record<string, string>>;
  fillIn(text: string): Template;
}

function withPlaceholders(settings: Readonly<Record<string, string>>): Placeholders {
  const given = PASSED_THROUGH.filter((name) => settings[name]);
  const asked = { ...settings };
  for (const name of given) asked[name] = placeholder(name);
  asked[BUNDLES] = emptyBundles;
  return { asked, fillIn: (text) => filled(text, settings) };
}

function filled(text: string, settings: Readonly<Record<string, string>>): Template {
  const given = PASSED_THROUGH.filter((name) => settings[name]);
  const values = new Map(given.map((name) => [placeholder(name), settings[name] ?? '']));
  const fill = (value: Value): Value => {
    if (typeof value === 'string') return values.get(value) ?? withBundles(value, settings[BUNDLES]);
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item)]));
  };
  return fill(JSON.parse(text)) as unknown as Template;
}

/**
 * Returns this project's template for these settings, as `cdk deploy` would send it. `MIDTURN_BUNDLES` need not exist. The
 * template is synthesized in another process, whose memory is freed, and cached until the app or the settings change.
 * @throws {LocalCloudError} with the app's error
 */
export async function synthesizeTemplate(settings: Readonly<Record<string, string>>): Promise<Template> {
  const { asked, fillIn } = withPlaceholders(settings);
  const file = join(cache, `${await fingerprint(asked)}.json`);
  return fillIn(await readFile(file, 'utf8').catch(() => runApp(asked, file)));
}

/**
 * Synthesizes the app in a folder for the local cloud, once.
 * @param settings what every cloud of it has: the function may be called with more
 * @param part what is run of it. Clouds of different parts keep their assets apart
 * @returns the text of each stack's template, what makes one of them the template of a cloud, and where it is deployed
 * @throws {LocalCloudError} with the app's error
 */
export async function synthesizeApp(
  folder: string,
  settings: Readonly<Record<string, string>>,
  part = '',
): Promise<{
  templates: ReadonlyMap<string, string>;
  fillIn(text: string, settings: Readonly<Record<string, string>>): Template;
  deploymentOf(name: string): Promise<Deployment>;
}> {
  await writeEmptyBundles();
  const { asked } = withPlaceholders(settings);
  // It stays: assets of the app's own functions are in it.
  const output = join(cache, ['app', part.replaceAll(/\W/g, '-')].filter(Boolean).join('-'));
  await rm(output, { recursive: true, force: true });
  const { app, context } = await readCdkJson(folder);
  return {
    templates: await runCdkApp({
      folder,
      app,
      // Paths tell which resources are of which Midturn.
      context: { ...context, ...localContext(asked), 'aws:cdk:enable-path-metadata': true },
      output,
      environment: process.env,
    }),
    fillIn: (text, all) => withAssets(filled(text, all), output),
    deploymentOf: (name) => deploymentOf(output, name),
  };
}

/** Names the folders of assets that the app has bundled itself, which the template names from where it is. */
function withAssets(template: Template, output: string): Template {
  const Resources = Object.entries(template.Resources).map(([id, resource]) => {
    const path = resource.Metadata?.['aws:asset:path'];
    return typeof path === 'string'
      ? [id, { ...resource, Metadata: { ...resource.Metadata, 'aws:asset:path': resolve(output, path) } }]
      : [id, resource];
  });
  return { ...template, Resources: Object.fromEntries(Resources) };
}

const withBundles = (value: string, folder: string | undefined): string =>
  folder !== undefined && value.startsWith(emptyBundles) ? folder + value.slice(emptyBundles.length) : value;

async function writeEmptyBundles(): Promise<void> {
  for (const name of FUNCTION_NAMES) {
    await mkdir(join(emptyBundles, name), { recursive: true });
    await writeFile(join(emptyBundles, name, 'index.mjs'), '');
  }
}

/** A hash of everything that the template depends on. The bundles' content does not change it. */
async function fingerprint(settings: Readonly<Record<string, string>>): Promise<string> {
  // The template contains the bundles' path.
  const hash = createHash('sha256')
    .update(root)
    .update(JSON.stringify(Object.entries(settings).sort()));
  for (const path of [...(await sourcesOf('infra/app.ts')), 'cdk.json', 'package-lock.json']) {
    hash.update(path).update(await readFile(join(root, path)));
  }
  return hash.digest('hex');
}

/** Returns a module of this project and all modules of it that it imports, directly or not. */
export async function sourcesOf(entry: string): Promise<string[]> {
  const { inputs } = await moduleGraph([entry]).catch((error: Error) => {
    throw new LocalCloudError(error.message);
  });
  return Object.keys(inputs).sort();
}

async function runApp(settings: Readonly<Record<string, string>>, file: string): Promise<string> {
  const { context } = await readCdkJson(root);
  await writeEmptyBundles();
  const output = await mkdtemp(join(tmpdir(), 'midturn-synth-'));
  try {
    // Settings exported in this shell do not count.
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MIDTURN_'));
    const templates = await runCdkApp({
      folder: root,
      app: [process.execPath, 'infra/app.ts'],
      context: { ...context, ...localContext(settings) },
      output,
      environment: {
        ...Object.fromEntries(inherited),
        ...settings,
        NODE_COMPILE_CACHE: join(CACHE, 'compile-cache'),
      },
    });
    const text = templates.get(STACK);
    if (text === undefined) throw new LocalCloudError(`The app has no stack ${STACK}.`);
    await mkdir(cache, { recursive: true });
    // Renamed into place, so that clouds that start at the same time do not read an incomplete file.
    const draft = `${file}.${process.pid}.${Date.now()}`;
    await writeFile(draft, text);
    await rename(draft, file);
    return text;
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}
