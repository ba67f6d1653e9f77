import * as z from 'zod/mini';
import type { CallInput } from '../../core/elicitation.ts';
import type { CallFiles } from '../../core/files/call-files.ts';
import type { Caller } from '../../core/model.ts';

/** The data parts of an application: the values, by the names of the parts. */
export type DataParts = Record<string, unknown>;

/**
 * Sends a value to the page of the application. It returns at once; the value is stored before it is sent, and no model sees it. A
 * later one of the turn with the same name and `id` replaces it. Without an `id` it stands by itself.
 *
 * @throws {DataError} if the name is none, if the value has more than 16 KiB of JSON, if the turn has sent 500 of them, or if the call is over
 * @example context.emit('chart', { rows: [['May', 12]] }, { id: 'sales' })
 */
export type Emit<DATA extends DataParts = DataParts> = <NAME extends keyof DATA & string>(
  name: NAME,
  data: DATA[NAME],
  part?: { id?: string },
) => void;

/**
 * Gives the token with which the user who asks has connected. Only a tool with `forwardToken` gets one. It is looked up with each call,
 * so ask for it where it is sent, and keep it nowhere.
 *
 * @throws {UserTokenError} if there is none: its `code` says why, and its message is for the model
 * @example await fetch(url, { headers: { Authorization: `Bearer ${await context.userToken()}` } })
 */
export type TokenOfUser = () => Promise<string>;

const common = {
  idempotencyKey: z.string(),
  caller: z.custom<Caller>((value) => typeof value === 'object' && value !== null),
  files: z.custom<CallFiles>((value) => typeof value === 'object' && value !== null),
  userToken: z.custom<TokenOfUser>((value) => typeof value === 'function'),
};

/** As `toolContext`, where `emit` takes the data parts of this application alone. */
export const toolContextWith = <DATA extends DataParts>() =>
  z.object({ ...common, emit: z.custom<Emit<DATA>>((value) => typeof value === 'function') });

/**
 * The `contextSchema` of a tool that needs to know who asks, or the call's idempotency key, or that shows or stores something.
 * `execute(input, { context })` then has `context.caller`, `context.idempotencyKey`, which stays the same if the same call runs again,
 * `context.emit`, `context.files.put({ name, mediaType, bytes })`, which stores a file in the session, and `context.userToken()` where
 * the tool has `forwardToken`.
 */
export const toolContext = toolContextWith<DataParts>();

export type ToolContext = z.infer<typeof toolContext>;

/** What a tool without a `contextSchema` is given. */
export interface CallContext extends ToolContext {
  /** Shows a value that stands until the next one, as what a tool yields before its last output. For tools of MCP servers. */
  progress(value: unknown): void;
  /** For tools of MCP servers, which throw an `InputRequiredError` to ask. Undefined: the user cannot be asked. */
  input?: CallInput | undefined;
}
