import { expect, it } from 'vitest';
import { objectKey } from '../core/files/object-key.ts';
import { asFileId, asSessionId } from '../core/ids.ts';
import { sessionOf } from '../core/store/keys.ts';
import { Bucket, givenBucket } from '../local/s3/test-bucket.ts';
import { deleteFiles } from './principal-files.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const key = (principal: typeof ANN, session: string, file: string) =>
  objectKey(sessionOf(principal, asSessionId(session)), asFileId(file));

it('P12: all files of exactly this principal are counted, and deleted, whatever the names spell', async () => {
  const { s3, put, get } = await givenBucket();
  const own = [key(ANN, 's1', 'f1'), key(ANN, 's2', 'f1')];
  const others = [
    key({ tenant: 'acme', subject: 'ann2' }, 's1', 'f1'),
    key({ tenant: 'acme#ann', subject: '' }, 's1', 'f1'),
    key({ tenant: 'other', subject: 'ann' }, 's1', 'f1'),
  ];
  for (const one of [...own, ...others]) await put(one);
  expect(await deleteFiles(s3, Bucket, ANN, false)).toBe(2);
  expect(await deleteFiles(s3, Bucket, ANN, true)).toBe(2);
  expect(await deleteFiles(s3, Bucket, ANN, true)).toBe(0);
  for (const one of others) expect((await get(one)).bytes.toString()).toBe(one);
});
