import type { UserToken } from '../model.ts';
import { userToken } from '../session/user-token.ts';
import type { LeasedTurn } from './leased-turn.ts';

/** The token of whoever asked, looked up whenever it is asked for. */
export const tokenOf =
  ({ core, session, sessionItem: { principal }, setup }: LeasedTurn): UserToken =>
  () =>
    userToken(core, { session, principal, lane: setup.tokenLane });
