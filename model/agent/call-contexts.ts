import type { Json } from '../../core/json.ts';
import type { CallSetup } from '../../core/model.ts';
import type { Context } from './sdk-options.ts';

/** What the agent's code is given beside a prompt. */
export interface Contexts {
  runtimeContext?: Context;
  toolsContext?: Readonly<Record<string, object | undefined>>;
}

/** What was committed of `prepareCall`: the options that it changed, and those that it left out. */
export interface Prepared {
  set?: { [option: string]: Json };
  left?: string[];
}

// Written by `prepared`.
export const preparedOf = ({ prepared }: CallSetup): Prepared => (prepared ?? {}) as Prepared;

/** Contexts of the code, or those that were committed with the turn's start. */
export function withContexts(agent: Contexts, setup: CallSetup | undefined): Contexts {
  const { set, left = [] } = setup ? preparedOf(setup) : {};
  const all = { runtimeContext: agent.runtimeContext, toolsContext: agent.toolsContext, ...set };
  return Object.fromEntries(
    (['runtimeContext', 'toolsContext'] as const).flatMap((option) =>
      all[option] === undefined || left.includes(option) ? [] : [[option, all[option]]],
    ),
  );
}

/** Whether `prepareCall` has left out an option for this turn. */
export const isLeftOut = (setup: CallSetup | undefined, option: string): boolean =>
  setup !== undefined && (preparedOf(setup).left ?? []).includes(option);
