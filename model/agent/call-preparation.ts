import type { Instructions } from 'ai';
import type { Json } from '../../core/json.ts';
import type { Caller, CallPreparation, CallSetup } from '../../core/model.ts';
import { ownValue } from '../../core/own-value.ts';
import { PreparationError } from '../../core/preparation-error.ts';
import { checkInput, firstPath } from '../tools/tool-input.ts';
import type { AgentDefinition } from './agent-definition.ts';
import { preparedOf, withContexts } from './call-contexts.ts';
import { CALLBACKS } from './callbacks.ts';
import { PASSED } from './sdk-options.ts';
import { strictJson } from './strict-json.ts';

/** Options of one turn that are JSON: what `prepareCall` returns of them is committed with the turn's start. */
const COMMITTED: readonly string[] = [
  ...PASSED,
  'instructions',
  'toolChoice',
  'toolCallConcurrency',
  'runtimeContext',
  'toolsContext',
];
/** Options that `prepareCall` may leave out, as functions of the code that a turn does without. */
const LEFT_OUT: readonly string[] = [...COMMITTED, 'stopWhen', 'prepareStep', 'repairToolCall'];
/** No part of a call. */
const NOT_GIVEN: ReadonlySet<string> = new Set([
  ...CALLBACKS,
  'prepareCall',
  'settings',
  'mcp',
  'fallbackModel',
  'prices',
  'compaction',
  'budget',
  'hooks',
  'titles',
  'tools',
]);

type Agent = Omit<AgentDefinition, 'tools'>;
/** The agent as it is in one turn. */
export type AgentOfTurn = Omit<Agent, 'instructions'> & { instructions: Instructions };

/** What the agent's code is asked when a turn begins. Undefined: nothing. */
export function callPreparationOf(agent: AgentDefinition): CallPreparation | undefined {
  const { callOptionsSchema, prepareCall, instructions } = agent;
  const prepares = prepareCall !== undefined || typeof instructions === 'function';
  if (!callOptionsSchema && !prepares) return undefined;
  return {
    async check(options) {
      // Without a schema nothing says what they are: the agent's code is given none.
      if (!callOptionsSchema) return { options: undefined };
      const checked = await checkInput(callOptionsSchema, options);
      return checked.success
        ? { options: jsonOf(checked.value, 'callOptionsSchema made of the options') }
        : { path: firstPath(checked.error) };
    },
    ...(prepares && { prepare: (caller: Caller) => prepared(agent, caller) }),
  };
}

async function prepared(agent: AgentDefinition, caller: Caller): Promise<Json> {
  const set: { [option: string]: Json } = {};
  const left: string[] = [];
  const { instructions: given } = agent;
  const instructions = typeof given === 'function' ? await given({ caller }) : given;
  if (typeof given === 'function') set.instructions = jsonOf(instructions, 'instructions returned');
  const { prepareCall } = agent;
  if (prepareCall) {
    const before = new Map(
      Object.entries({ ...flat(agent), tools: sdkTools(agent), instructions }).filter(
        ([option]) => option === 'tools' || !NOT_GIVEN.has(option),
      ),
    );
    const { options } = caller;
    // Checked by the agent's own schema.
    const call = { ...Object.fromEntries(before), options, caller } as never;
    const returned: unknown = await prepareCall(call);
    if (typeof returned !== 'object' || returned === null)
      throw new PreparationError('prepareCall returned no object');
    const after = new Map(Object.entries(returned));
    for (const option of new Set([...before.keys(), ...after.keys()])) {
      const value = after.get(option);
      if (value === before.get(option) || IGNORED.has(option)) continue;
      if (value === undefined && LEFT_OUT.includes(option)) left.push(option);
      else if (value !== undefined && COMMITTED.includes(option))
        set[option] = jsonOf(value, `prepareCall returned as ${option}`);
      else throw new PreparationError(`prepareCall cannot change ${option} here`);
    }
    for (const option of left) delete set[option];
  }
  return { set, ...(left.length > 0 && { left }) };
}

/** What the code is given beside the agent's options. */
const IGNORED: ReadonlySet<string> = new Set(['options', 'caller', 'callOptionsSchema']);

const sdkTools = ({ tools }: AgentDefinition) =>
  Object.fromEntries(Object.entries(tools).map(([name, { tool }]) => [name, tool]));

/** With the sampling settings beside the others, as the AI SDK has them. */
const flat = <A extends Agent>({ settings, ...agent }: A) => ({ ...settings, ...agent });

function jsonOf(value: unknown, what: string): Json {
  const json = strictJson(value);
  if (json === undefined)
    throw new PreparationError(`what ${what} is no JSON: it cannot be committed with the turn`);
  return json;
}

/**
 * The agent as it is in a turn: with what was committed when the turn began.
 *
 * @throws {PreparationError} if its instructions are a function and nothing was committed
 */
export function agentOfTurn(agent: Agent, setup: CallSetup | undefined): AgentOfTurn {
  const { instructions } = agent;
  if (setup?.prepared === undefined) {
    if (typeof instructions === 'function') throw new PreparationError('the turn has no instructions');
    return { ...agent, instructions };
  }
  const { set = {}, left = [] } = preparedOf(setup);
  const kept = Object.entries({ ...flat(agent), ...set }).filter(([option]) => !left.includes(option));
  // The committed options are those that `prepareCall` of this code, or of an earlier version of it, returned.
  return { instructions: '', ...Object.fromEntries(kept) } as AgentOfTurn;
}

/** A tool's own part of `toolsContext`, and who asks. */
export function toolContextOf(agent: Agent, setup: CallSetup, name: string): object {
  const { toolsContext } = withContexts(agent, setup);
  const own = ownValue(toolsContext, name);
  return { ...own, caller: setup.caller };
}
