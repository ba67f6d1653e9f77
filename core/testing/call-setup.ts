import type { CallDisplay, CallSetup } from '../model.ts';

/** Of a turn that ann began, without claims or options. */
export const ANNS_SETUP: CallSetup = {
  caller: {
    principal: { tenant: 'acme', subject: 'ann' },
    session: { id: 'session' },
    turnId: 'turn',
    claims: {},
  },
};

/** Of a call that nobody watches. */
export const UNSEEN: CallDisplay = { progress: () => {}, data: () => {} };
