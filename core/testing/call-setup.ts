import { FileError } from '../file-error.ts';
import type { CallFiles } from '../files/call-files.ts';
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

/** Of a deployment that takes none. */
export const NO_FILES: CallFiles = {
  put: async () => {
    throw new FileError('FILES_OFF', 'This deployment takes no files.');
  },
};
