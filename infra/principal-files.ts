import { DeleteObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { objectPrefix } from '../core/files/object-key.ts';
import { eachOf } from '../core/store/each-of.ts';
import type { Principal } from '../core/store/items.ts';

/**
 * The files of a principal in all its sessions, also those that no message has. Nothing of the stack lists the bucket: this takes an
 * operator's own rights.
 *
 * @param carryOut delete them; otherwise they are counted
 * @returns how many there were
 */
export async function deleteFiles(
  client: S3Client,
  bucket: string,
  principal: Principal,
  carryOut: boolean,
): Promise<number> {
  let found = 0;
  const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: objectPrefix(principal) });
  for await (const { Contents = [] } of pages) {
    found += Contents.length;
    if (!carryOut) continue;
    await eachOf(Contents, async ({ Key }) => {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    });
  }
  return found;
}
