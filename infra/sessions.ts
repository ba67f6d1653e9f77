import { parseArgs } from 'node:util';
import { dynamoStore } from '../aws/dynamodb/store.ts';
import { sqsQueues } from '../aws/sqs/queues.ts';
import { systemClock } from '../aws/system.ts';
import { asSessionId, type SessionKey } from '../core/ids.ts';
import type { Clock, Queues, Store } from '../core/ports.ts';
import { requestDeletion } from '../core/session/deletion.ts';
import { exportPage } from '../core/session/export.ts';
import { listSessions } from '../core/session/session-list.ts';
import { isShown } from '../core/session/sessions.ts';
import type { Principal, Session } from '../core/store/items.ts';
import { sessionKey, sessionOf } from '../core/store/keys.ts';
import { rename } from '../core/store/session-writes.ts';
import { MAX_LABEL_LENGTH } from '../protocol/limits.ts';
import { commandName } from './command-name.ts';
import { type Deployment, disconnect } from './disconnect.ts';
import { inspectionText } from './inspect.ts';
import { spendLines } from './spend-report.ts';

/** `npm run sessions -- …`: lists, exports, inspects, renames, deletes and disconnects sessions, for operators. See docs/operations.md. */

const USAGE = `${commandName('sessions')} [--table <name>] [--queue <URL>] [--endpoint <URL>] <command>
  list <tenant> <subject>                       sessions, those made last first, one line of JSON each
  export <tenant> <subject> <session>           the transcript as JSON lines
  inspect <tenant> <subject> <session>          what its turns do or wait for, and what comes next
  spend <tenant> [<subject>]                    what the tenant, or the principal, used on each day, newest first
  rename <tenant> <subject> <session> <name>
  delete <tenant> <subject> <session> [--yes]   without --yes it says what would be deleted
  disconnect <tenant> <subject> <session>       closes the session's open connections
  disconnect --principal <tenant> <subject>     closes all open connections of the principal
The table is MIDTURN_TABLE_NAME without --table, and the queue of deadlines, which carries deletions out,
MIDTURN_DEADLINE_QUEUE_URL without --queue. Connections are closed at MIDTURN_MANAGEMENT_ENDPOINT without --endpoint.`;

/** Sessions and bytes of one page. They are larger than over the socket, where a page must fit into a frame. */
const SESSIONS = 100;
const BYTES = 1_000_000;

class Failure extends Error {
  override readonly name = 'Failure';
}

interface Services {
  store: Store;
  queues: Pick<Queues, 'sendDeletion'>;
  clock: Pick<Clock, 'now' | 'sleep'>;
}

/**
 * Runs a command.
 * @returns the text to print, in parts
 * @throws {Failure} with a line for the operator
 */
async function* run(
  { store, queues, clock }: Services,
  [command, tenant, subject, sessionId, ...rest]: readonly string[],
  confirmed: boolean,
): AsyncGenerator<string> {
  if (command === 'spend' && tenant && sessionId === undefined) {
    yield* spendLines({ store, clock }, tenant, subject);
    return;
  }
  if (!tenant || !subject) throw new Failure(USAGE);
  const principal = { tenant, subject };
  if (command === 'list' && sessionId === undefined) {
    yield* list(store, principal);
    return;
  }
  if (!sessionId || !['export', 'inspect', 'rename', 'delete'].includes(command ?? ''))
    throw new Failure(USAGE);
  const session = sessionOf(principal, asSessionId(sessionId));
  if (command === 'inspect' && rest.length === 0) {
    const text = await inspectionText(store, clock, session);
    if (text === undefined) throw new Failure(`${tenant}/${subject} has no session ${sessionId}.`);
    yield text;
    return;
  }
  const found = await store.get(sessionKey(session));
  const absent = new Failure(`${tenant}/${subject} has no session ${sessionId}.`);
  if (!isShown(found)) throw absent;
  const [name, ...more] = rest;
  if (more.length > 0 || (name !== undefined) !== (command === 'rename')) throw new Failure(USAGE);
  if (command === 'export') {
    yield* exportLines(store, session, found);
  } else if (command === 'rename') {
    if (!name || name.length > MAX_LABEL_LENGTH)
      throw new Failure(`A name has 1 to ${MAX_LABEL_LENGTH} characters.`);
    if (!(await store.update(sessionKey(session), rename(name))).ok) throw absent;
    yield `${sessionId} is now named ${name}\n`;
  } else if (confirmed) {
    await requestDeletion({ queues, clock }, session);
    yield `${sessionId} is being deleted: its items go within seconds\n`;
  } else {
    const { entry, name: called } = found;
    yield `${sessionId}${called === undefined ? '' : ` (${called})`}, ${entry} entries; --yes deletes it\n`;
  }
}

async function* list(store: Store, principal: Principal): AsyncGenerator<string> {
  for (let after: string | undefined; ; ) {
    const page = await listSessions({ store }, principal, { after, limit: SESSIONS, bytes: BYTES });
    for (const session of page.sessions) yield `${JSON.stringify(session)}\n`;
    if (page.next === undefined) return;
    after = page.next;
  }
}

async function* exportLines(store: Store, session: SessionKey, item: Session): AsyncGenerator<string> {
  for (let after: string | undefined; ; ) {
    const page = await exportPage({ store, clock: systemClock }, session, item, { after, bytes: BYTES });
    yield page.data;
    if (page.next === undefined) return;
    after = page.next;
  }
}

/** @throws {Failure} @returns what was done, in one line */
async function closeAll(
  deployment: Deployment,
  [tenant, subject, sessionId, ...rest]: readonly string[],
  isPrincipal: boolean,
): Promise<string> {
  if (!tenant || !subject || rest.length > 0 || isPrincipal === (sessionId !== undefined))
    throw new Failure(USAGE);
  const session = sessionId === undefined ? undefined : asSessionId(sessionId);
  const closed = await disconnect(deployment, { tenant, subject }, session);
  return `${closed} connections of ${[tenant, subject, ...(session ? [session] : [])].join('/')} closed`;
}

async function main(): Promise<void> {
  const { values, positionals } = readArguments();
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const table = values.table ?? process.env.MIDTURN_TABLE_NAME;
  const queue = values.queue ?? process.env.MIDTURN_DEADLINE_QUEUE_URL;
  if (!table) throw new Failure(USAGE);
  if (positionals[0] === 'disconnect') {
    const endpoint = values.endpoint ?? process.env.MIDTURN_MANAGEMENT_ENDPOINT;
    if (!endpoint) throw new Failure('disconnect needs --endpoint.');
    console.log(await closeAll({ table, endpoint }, positionals.slice(1), values.principal));
    return;
  }
  if (values.principal) throw new Failure(USAGE);
  if (positionals[0] === 'delete' && values.yes && !queue) throw new Failure('delete --yes needs --queue.');
  const services = { store: dynamoStore(table), queues: sqsQueues('', queue ?? ''), clock: systemClock };
  let isSilent = true;
  for await (const text of run(services, positionals, values.yes)) {
    if (text !== '') isSilent = false;
    process.stdout.write(text);
  }
  // Not on standard output, which holds lines of JSON.
  if (isSilent) console.error(`${positionals.slice(1).join('/')} has nothing to ${positionals[0]}`);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        table: { type: 'string' },
        queue: { type: 'string' },
        endpoint: { type: 'string' },
        principal: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
