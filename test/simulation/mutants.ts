import { applyEdits } from '../mutation/edits.ts';
import { AGENT } from './mutants/agent.ts';
import { BUDGETS } from './mutants/budgets.ts';
import { BUS } from './mutants/bus.ts';
import { CLIENT_TOOLS } from './mutants/client-tools.ts';
import { COMPACTION } from './mutants/compaction.ts';
import { DELETION } from './mutants/deletion.ts';
import { DEVICES } from './mutants/devices.ts';
import { FORKS } from './mutants/forks.ts';
import { HOOKS } from './mutants/hooks.ts';
import { MESSAGES } from './mutants/messages.ts';
import type { Mutant } from './mutants/mutant.ts';
import { OUTSIDE } from './mutants/outside.ts';
import { SHOWN } from './mutants/shown.ts';
import { SUBAGENTS } from './mutants/subagents.ts';
import { TITLES } from './mutants/titles.ts';
import { UNSEEN } from './mutants/unseen.ts';
import { WORKER } from './mutants/worker.ts';

export { LATE_DUPLICATES } from './mutants/mutant.ts';
export { UNSEEN };

export const MUTANTS: readonly Mutant[] = [
  ...MESSAGES,
  ...WORKER,
  ...AGENT,
  ...SHOWN,
  ...SUBAGENTS,
  ...TITLES,
  ...CLIENT_TOOLS,
  ...COMPACTION,
  ...BUDGETS,
  ...DEVICES,
  ...DELETION,
  ...FORKS,
  ...BUS,
  ...HOOKS,
  ...OUTSIDE,
];

export function findMutant(name: string): Mutant {
  const mutant = [...MUTANTS, ...UNSEEN].find((one) => one.name === name);
  if (!mutant) throw new Error(`no mutant is called ${name}`);
  return mutant;
}

/** The source files that a mutant changes, as it changes them. */
export const sourcesOf = (name: string): ReadonlyMap<string, string> => applyEdits(findMutant(name).edits);
