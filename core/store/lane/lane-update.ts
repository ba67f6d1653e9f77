import type { Lane } from '../items.ts';
import type { Change, Condition } from '../update.ts';

/** The conditions and changes of a lane's conditional write. */
export type When = Condition<Lane>;
export type Then = Change<Lane>;
