import { mkdir, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { circumstances } from '../circumstances.ts';
import { dated, writeSection } from '../page.ts';
import { aiSdk } from './ai-sdk.ts';
import { cloudflare } from './cloudflare.ts';
import { langgraph } from './langgraph.ts';
import { mastra } from './mastra.ts';
import { measure } from './measure.ts';
import { midturn } from './midturn.ts';
import type { Peer } from './peer.ts';
import { exitOnSignals } from './process.ts';
import { type PeerResult, tablesOf } from './table.ts';
import { installPeers, versionOf } from './versions.ts';
import { workflow } from './workflow.ts';

/**
 * `npm run bench:peers`: the reference turn on this project and on what a team would use instead, one after the other, with
 * the same scripted model. Results go to `bench/results/peers.json` and `docs/performance.md`; with names of peers as
 * arguments, only these are run and nothing is written.
 */
const PEERS: readonly Peer[] = [midturn, aiSdk, workflow, cloudflare, langgraph, mastra];
const ROOT = join(import.meta.dirname, '..', '..');

const wanted = process.argv.slice(2);
const isWanted = ({ name }: Peer) => wanted.length === 0 || wanted.some((word) => name.includes(word));

exitOnSignals();
installPeers();
const where = { ...circumstances(), command: 'npm run bench:peers' };
const results: PeerResult[] = [];
for (const peer of PEERS.filter(isWanted)) {
  console.log(`${peer.name} …`);
  results.push(await resultOf(peer));
}
const tables = [dated(where), tablesOf(results)].join('\n\n');
console.log(`\n${tables}`);
if (wanted.length === 0) await write();
const failed = results.filter((result) => 'failed' in result);
if (failed.length > 0) process.exitCode = 1;

async function resultOf(peer: Peer): Promise<PeerResult> {
  const began = performance.now();
  const versions = Object.fromEntries(
    peer.packages.map((name) => [name, versionOf(name) ?? 'not installed']),
  );
  const about = { name: peer.name, how: peer.how, versions };
  const seconds = () => (performance.now() - began) / 1000;
  try {
    const figures = await measure(peer);
    return { ...about, figures, ...(peer.variant && { variantName: peer.variant.name }), seconds: seconds() };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { ...about, failed: withoutPlaces(text), seconds: seconds() };
  }
}

/** What failed is written down; where this machine keeps its files is not. */
function withoutPlaces(text: string): string {
  return [ROOT, tmpdir(), homedir()].reduce((rest, place) => rest.replaceAll(place, '…'), text);
}

async function write(): Promise<void> {
  const folder = join(ROOT, 'bench', 'results');
  await mkdir(folder, { recursive: true });
  const rounded = (_key: string, value: unknown) =>
    typeof value === 'number' ? Math.round(value * 100) / 100 : value;
  const text = JSON.stringify({ name: 'peers', ...where, peers: results }, rounded, 2);
  await writeFile(join(folder, 'peers.json'), `${text}\n`);
  await writeSection({ name: 'peers', command: where.command }, tables);
}
