import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { deleteItems, itemsOf } from './principal-items.ts';

/** `npm run delete-principal -- …`: deletes all items of one principal, for operators. See docs/operations.md. */

const USAGE = `npm run delete-principal -- <table> <tenant> <subject> [--yes]
  Deletes everything that the table has of this principal. Without --yes it counts.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { yes: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const [table, tenant, subject, ...more] = positionals;
  if (!table || !tenant || !subject || more.length > 0) throw new TypeError('three words are needed');
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const items = itemsOf(client, table, { tenant, subject });
  const owner = `${tenant}/${subject} in ${table}`;
  if (values.yes) {
    const deleted = await deleteItems(client, table, items);
    console.log(deleted === 0 ? `nothing to delete of ${owner}` : `${deleted} items of ${owner} deleted`);
    return;
  }
  let count = 0;
  for await (const _ of items) count += 1;
  console.log(
    count === 0 ? `nothing to delete of ${owner}` : `${count} items of ${owner}; --yes deletes them`,
  );
}

try {
  await main();
} catch (error) {
  // What parseArgs throws, too.
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
