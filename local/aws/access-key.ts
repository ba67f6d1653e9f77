import { randomBytes } from 'node:crypto';

/** What a caller signs its requests with. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
}

/** A key that nobody can know from the sources: every function and every start has its own. */
export const newAccessKey = (): AccessKey => ({
  accessKeyId: `LOCAL${randomBytes(10).toString('hex').toUpperCase()}`,
  secretAccessKey: randomBytes(20).toString('hex'),
});
