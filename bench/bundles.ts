import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { buildFunctions, FUNCTION_NAMES, inspectFunctions, project } from '../local/build.ts';
import { PROVIDERS, type Provider, sizeOf } from '../local/bundle-sizes.ts';
import { synthesize } from '../local/synth.ts';
import { readStack } from '../local/template/stack.ts';
import { circumstances, formatCircumstances, formatTable } from './report.ts';
import type { Bench, BenchResult, Figure } from './result.ts';
import { summarize } from './stats.ts';

const PROCESSES = 15;
const TARGET_MS = 150;

/** Nothing listens there: loading a function asks nobody anything. */
const NOWHERE = 'http://127.0.0.1:9/v1';
const SETTINGS = {
  MIDTURN_STAGE: 'local',
  MIDTURN_AUTH: 'jwt',
  MIDTURN_JWT_ISSUER: 'https://issuer.example.com/',
  MIDTURN_JWT_AUDIENCE: 'midturn',
  MIDTURN_MANAGEMENT_ENDPOINT: NOWHERE,
  MIDTURN_MODEL_BASE_URL: NOWHERE,
  MIDTURN_MODEL_API_KEY: 'key',
};

/** A function as it is loaded with one provider; providers matter to the turn alone. */
interface Case {
  label: string;
  name: string;
  provider: Provider;
}

interface Load {
  wallMs: number;
  cpuMs: number;
}

/**
 * How long a fresh process takes to load a function as deployed, with everything that a cold start loads meanwhile, and
 * how much it reads. Without the start of Node itself, and without the first call of anything.
 */
export const bundles: Bench = { name: 'bundles', run };

async function run(): Promise<BenchResult> {
  const outdir = await mkdtemp(join(tmpdir(), 'midturn-bundles-'));
  try {
    await buildFunctions({ ...project(), outdir, release: true });
    const metafiles = await inspectFunctions();
    const cases = casesOf();
    const variables = new Map<Provider, Awaited<ReturnType<typeof variablesOf>>>();
    for (const provider of PROVIDERS) variables.set(provider, await variablesOf(provider, outdir));

    const loads = new Map<Case, Load[]>(cases.map((one) => [one, []]));
    // In turn, so that whatever else the machine does falls on all alike.
    for (let n = 0; n < PROCESSES; n++) {
      for (const [{ name, provider }, samples] of loads) {
        samples.push(await load(join(outdir, name), variables.get(provider)?.get(name) ?? {}));
      }
    }
    const figures = [...loads].flatMap(([{ label, name, provider }, samples]): Figure[] => [
      {
        name: label,
        unit: 'ms',
        summary: summarize(samples.map(({ wallMs }) => wallMs)),
        target: { p50Below: TARGET_MS },
      },
      { name: '  of it: CPU, user', unit: 'ms', summary: summarize(samples.map(({ cpuMs }) => cpuMs)) },
      { name: '  loaded at most', unit: 'KB', value: sizeOf(metafiles, name, provider).bytes / 1000 },
    ]);
    return {
      about: `cold import of each function, ${PROCESSES} fresh processes each; 1 KB is 1000 bytes`,
      figures,
      broken: [],
    };
  } finally {
    await rm(outdir, { recursive: true });
  }
}

const casesOf = (): Case[] =>
  FUNCTION_NAMES.flatMap((name): Case[] =>
    name === 'turn'
      ? PROVIDERS.map((provider) => ({ label: `${name}, ${provider}`, name, provider }))
      : [{ label: name, name, provider: 'demo' }],
  );

/** What the stack gives each function, by the name of its bundle. */
async function variablesOf(provider: Provider, outdir: string): Promise<Map<string, Record<string, string>>> {
  const stack = readStack(
    await synthesize({
      ...SETTINGS,
      MIDTURN_MODEL: provider === 'demo' ? provider : `${provider}:some-model`,
      MIDTURN_BUNDLES: outdir,
    }),
    { sqsEndpoint: 'http://127.0.0.1:9' },
  );
  return new Map(
    stack
      .ofType('AWS::Lambda::Function')
      .map(({ properties, metadata }) => [
        basename(String(metadata['aws:asset:path'])),
        Object.fromEntries(
          Object.entries(properties.nested('Environment').nested('Variables').all).map(([name, value]) => [
            name,
            String(value),
          ]),
        ),
      ]),
  );
}

/** The event loop is empty as soon as all is loaded, also what an import has begun to load without waiting for it. */
const PROBE = `
  const start = performance.now();
  const before = process.cpuUsage();
  process.once('beforeExit', () => {
    const wallMs = performance.now() - start;
    process.stdout.write(JSON.stringify({ wallMs, cpuMs: process.cpuUsage(before).user / 1000 }));
  });
  const { handler } = await import(process.argv[1]);
  if (typeof handler !== 'function') throw new Error('The bundle has no handler.');
`;

async function load(folder: string, variables: Readonly<Record<string, string>>): Promise<Load> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', PROBE, pathToFileURL(join(folder, 'index.mjs')).href],
    {
      timeout: 60_000,
      // As in Lambda, and nothing of this shell: neither settings nor Node's options.
      env: {
        ...variables,
        AWS_REGION: 'us-east-1',
        AWS_LAMBDA_FUNCTION_NAME: basename(folder),
        AWS_ACCESS_KEY_ID: 'bench',
        AWS_SECRET_ACCESS_KEY: 'bench',
      },
    },
  );
  return JSON.parse(stdout) as Load;
}

if (import.meta.main) {
  console.log(formatCircumstances(circumstances()));
  const result = await run();
  console.log(`\nbundles: ${result.about}\n${formatTable(result)}`);
}
