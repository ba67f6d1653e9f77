import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { FUNCTION_NAMES } from '../config/function-names.ts';
import { buildFunctions, inspectFunctions, release } from '../local/build.ts';
import { type BundleSize, PROVIDERS, type Provider, sizeOf } from '../local/bundle-sizes.ts';
import { synthesizeTemplate } from '../local/synth.ts';
import { readStack } from '../local/template/stack.ts';
import type { Circumstances } from './circumstances.ts';
import { emptyServices, FIRST_EVENTS } from './first-call.ts';
import { dated, type Section, table } from './page.ts';
import type { Bench, BenchResult, Figure } from './result.ts';
import { summarize } from './stats.ts';

const PROCESSES = 15;
/** With the first request to the table, where a function makes one while it starts. A person waits for the first frame. */
const TARGETS_MS: Readonly<Record<string, number>> = { inbound: 130, turn: 200 };
const TARGET_MS = 150;
/** Of what a bundle is made of, as many parts are named. */
const PARTS = 6;
const SECTION = { name: 'cold start', command: 'npm run bench -- bundles' };

/** Nothing listens there, and nobody asks it. */
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
  /** The first call and the second. */
  callsMs: [number, number];
  /** Of the whole process, Node's own included, when all is loaded. */
  rssMb: number;
}

/**
 * How long a fresh process takes to load a function as deployed, with everything that a cold start loads and asks meanwhile, how
 * much it reads, and how long its first call takes, with services that answer at once. Without the start of Node itself.
 */
export const bundles: Bench = { name: 'bundles', run, page };

/** Of the last run: what each function is made of. */
let composition: readonly (readonly [label: string, size: BundleSize])[] = [];

async function run(): Promise<BenchResult> {
  const outdir = await mkdtemp(join(tmpdir(), 'midturn-bundles-'));
  try {
    await buildFunctions({ ...release(), outdir });
    const metafiles = await inspectFunctions();
    const cases = casesOf();
    await using services = await emptyServices();
    const variables = new Map<Provider, Awaited<ReturnType<typeof variablesOf>>>();
    for (const provider of PROVIDERS)
      variables.set(provider, await variablesOf(provider, outdir, services.endpoint));

    composition = cases.map(({ label, name, provider }) => [label, sizeOf(metafiles, name, provider)]);

    const loads = new Map<Case, Load[]>(cases.map((one) => [one, []]));
    // In turn, so that whatever else the machine does falls on all alike.
    for (let n = 0; n < PROCESSES; n++) {
      for (const [{ name, provider }, samples] of loads) {
        samples.push(
          await load(join(outdir, name), variables.get(provider)?.get(name) ?? {}, services.endpoint),
        );
      }
    }
    const figures = [...loads].flatMap(([{ label, name, provider }, samples]): Figure[] => [
      {
        name: label,
        unit: 'ms',
        summary: summarize(samples.map(({ wallMs }) => wallMs)),
        target: { p50Below: TARGETS_MS[name] ?? TARGET_MS },
      },
      { name: '  of it: CPU, user', unit: 'ms', summary: summarize(samples.map(({ cpuMs }) => cpuMs)) },
      { name: '  first call', unit: 'ms', summary: summarize(samples.map(({ callsMs }) => callsMs[0])) },
      { name: '  second call', unit: 'ms', summary: summarize(samples.map(({ callsMs }) => callsMs[1])) },
      { name: '  memory, Node included', unit: 'MB', summary: summarize(samples.map(({ rssMb }) => rssMb)) },
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
async function variablesOf(
  provider: Provider,
  outdir: string,
  sqsEndpoint: string,
): Promise<Map<string, Record<string, string>>> {
  const stack = readStack(
    await synthesizeTemplate({
      ...SETTINGS,
      MIDTURN_MODEL: provider === 'demo' ? provider : `${provider}:some-model`,
      MIDTURN_BUNDLES: outdir,
    }),
    { sqsEndpoint },
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
  const [file, event] = process.argv.slice(1);
  const context = { awsRequestId: 'request', functionName: 'probe', getRemainingTimeInMillis: () => 60000 };
  const start = performance.now();
  const before = process.cpuUsage();
  process.once('beforeExit', async () => {
    const wallMs = performance.now() - start;
    const cpuMs = process.cpuUsage(before).user / 1000;
    const rssMb = process.memoryUsage.rss() / 1e6;
    const call = async () => {
      const began = performance.now();
      // The authorizer refuses by throwing that.
      await handler(JSON.parse(event), context).catch((error) => {
        if (error.message !== 'Unauthorized') throw error;
      });
      return performance.now() - began;
    };
    const callsMs = [await call(), await call()];
    process.stdout.write(JSON.stringify({ wallMs, cpuMs, callsMs, rssMb }), () => process.exit(0));
  });
  const { handler } = await import(file);
  if (typeof handler !== 'function') throw new Error('The bundle has no handler.');
`;

async function load(
  folder: string,
  variables: Readonly<Record<string, string>>,
  endpoint: string,
): Promise<Load> {
  const event = JSON.stringify(FIRST_EVENTS[basename(folder)]);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', PROBE, pathToFileURL(join(folder, 'index.mjs')).href, event],
    {
      timeout: 60_000,
      // As in Lambda, and nothing of this shell: neither settings nor Node's options.
      env: {
        ...variables,
        AWS_REGION: 'us-east-1',
        AWS_LAMBDA_FUNCTION_NAME: basename(folder),
        AWS_ENDPOINT_URL: endpoint,
        AWS_ACCESS_KEY_ID: 'bench',
        AWS_SECRET_ACCESS_KEY: 'bench',
      },
    },
  );
  return lastLine(stdout);
}

/** What functions print comes before it. */
const lastLine = (stdout: string): Load => JSON.parse(stdout.split('\n').at(-1) ?? '') as Load;

function page({ figures }: BenchResult, where: Circumstances): { section: Section; text: string } {
  const p50 = (at: number): string => {
    const figure = figures[at];
    return figure && 'summary' in figure ? figure.summary.p50.toFixed(0) : '';
  };
  const each = figures.length / composition.length;
  const rows = composition.map(([label, { bytes, parts }], n) => {
    const named = parts.slice(0, PARTS).map((part) => `${part.name} ${(part.bytes / 1000).toFixed(0)}`);
    return [
      label,
      ...[0, 2, 3, 4].map((at) => p50(n * each + at)),
      (bytes / 1000).toFixed(0),
      named.join(', '),
    ];
  });
  const head = [
    'p50 of a fresh process',
    'import, ms',
    'first call',
    'second call',
    'MB',
    'loaded, KB',
    'the heaviest of it, KB',
  ];
  const text = [dated({ ...where, command: SECTION.command }), table(head, rows)].join('\n\n');
  return { section: SECTION, text };
}
