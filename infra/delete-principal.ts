import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Principal } from '../core/store/items.ts';
import { commandName } from './command-name.ts';
import { disconnect } from './disconnect.ts';
import { deleteFiles } from './principal-files.ts';
import { deleteItems, itemsOf, leavePlaces } from './principal-items.ts';

/** `npm run delete-principal -- …`: closes the connections of one principal and deletes all its items, for operators. See docs/operations.md. */

const USAGE = `${commandName('delete-principal')} <table> <tenant> <subject> [--yes] [--endpoint <URL>] [--files <bucket>]
  Closes what this principal has open, and deletes everything that the table has of it. Without --yes it counts.
  Connections are closed at MIDTURN_MANAGEMENT_ENDPOINT without --endpoint. Files are those of --files, or of MIDTURN_FILES_BUCKET.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      yes: { type: 'boolean', default: false },
      endpoint: { type: 'string' },
      files: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const [table, tenant, subject, ...more] = positionals;
  if (!table || !tenant || !subject || more.length > 0) throw new TypeError('three words are needed');
  const { endpoint = process.env.MIDTURN_MANAGEMENT_ENDPOINT, files = process.env.MIDTURN_FILES_BUCKET } =
    values;
  if (values.yes && !endpoint) throw new TypeError('--yes needs --endpoint');
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const items = itemsOf(client, table, { tenant, subject });
  const owner = `${tenant}/${subject} in ${table}`;
  if (values.yes && endpoint) {
    // First: a client that is still there could write into what is being deleted.
    await disconnect({ table, endpoint }, { tenant, subject });
    const deleted = await deleteItems(client, table, items);
    await leavePlaces(client, table, { tenant, subject });
    await reportFiles(files, { tenant, subject }, true);
    console.log(deleted === 0 ? `nothing to delete of ${owner}` : `${deleted} items of ${owner} deleted`);
    return;
  }
  let count = 0;
  for await (const _ of items) count += 1;
  console.log(
    count === 0 ? `nothing to delete of ${owner}` : `${count} items of ${owner}; --yes deletes them`,
  );
  await reportFiles(files, { tenant, subject }, false);
}

/** After the items: a file that is still uploaded then has no item, and is in no session. */
async function reportFiles(
  bucket: string | undefined,
  principal: Principal,
  carryOut: boolean,
): Promise<void> {
  if (!bucket) return;
  const count = await deleteFiles(new S3Client({}), bucket, principal, carryOut);
  console.log(`${count} files in ${bucket}${carryOut ? ' deleted' : '; --yes deletes them'}`);
}

try {
  await main();
} catch (error) {
  // What parseArgs throws, too.
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
