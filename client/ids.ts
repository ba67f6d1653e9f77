import { ID_PATTERN, ID_RULE } from '../protocol/ids.ts';

/** Whether this may be the id of a session or a message: 1 to 64 visible ASCII characters. */
export const isId = (id: string): boolean => ID_PATTERN.test(id);

/** @throws {TypeError} for an id that the server would refuse. `what` names it at the start of the message. */
export function checkId(what: string, id: string): void {
  if (!isId(id)) throw new TypeError(`${what} must have ${ID_RULE}: ${JSON.stringify(id)} does not fit.`);
}
