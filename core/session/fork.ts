import { type EpochMs, seconds } from '../../config/units.ts';
import { MAX_FORK_ENTRIES } from '../../protocol/limits.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import type { Entry } from '../events/entries.ts';
import { putEntry } from '../events/journal.ts';
import { readEntryItems, readTranscriptBefore } from '../events/transcript.ts';
import { hasExpired } from '../events/whole-turns.ts';
import type { ConnectionId, FileId, MessageId, SessionId, SessionKey } from '../ids.ts';
import { eachOf } from '../store/each-of.ts';
import { beginFork, finishFork, giveUpFork, rememberCopied } from '../store/fork-writes.ts';
import type { Principal, Session, StoredEntry } from '../store/items.ts';
import { sessionKey, sessionOf, summaryKey } from '../store/keys.ts';
import { requestDeletion } from './deletion.ts';
import { forkFacts } from './fork-facts.ts';
import { copyFile, filesNamedIn } from './fork-files.ts';
import { keepListed } from './session-list.ts';
import { endedEntries, isShown, lastSeq, viewSession } from './sessions.ts';

/**
 * How a session is forked, in steps that can each be repeated:
 *
 * 1. Take the id: one write makes an item that says what is to be copied. It is no session to anybody yet. A message of the queue
 *    sees to it that the fork is completed, or given up.
 * 2. Copy the entries and the files that they name, some at a time. They never change, so two functions that copy write the same.
 * 3. Look whether the origin was deleted meanwhile: then something of it may be missing, and the fork is given up.
 * 4. Finish: one write makes the item a session.
 *
 * A fork has copies, and nothing of it refers to the origin's items: it lives on when the origin is deleted or expires, and its
 * entries expire when the origin's do.
 */

/** Entries, or files, that are copied before the time is looked at. As many as `eachOf` puts at once. */
const BATCH = 25;

/** A fork that is not whole after this long was left by a function that died: a function has ten seconds. */
const WATCH_SECONDS = seconds(15);

export interface ForkWish {
  /** Of the fork. Chosen by the client, so that a repeat names the same fork. */
  sessionId: SessionId;
  from: SessionId;
  name: string | undefined;
  /** A message of a user, by its entry's number or by its id: the first that the fork does not have. Undefined: it has all. */
  before: number | MessageId | undefined;
  /** Whose day the bytes of its files count to. Undefined: nobody's. */
  countedFor: Principal | undefined;
}

type Refusal = 'SESSION_NOT_FOUND' | 'SESSION_EXISTS' | 'ENTRY_NOT_FOUND' | 'FORK_TOO_LARGE';

/**
 * Takes the id of a fork, or finds the fork that an earlier request has begun.
 *
 * @param asker who asks, and is told if another function completes the fork
 * @param countEntries called with the number of entries before anything is stored. What it returns refuses the fork
 */
export async function takeForkId<R extends { type: 'error' }>(
  core: Core,
  principal: Principal,
  wish: ForkWish,
  asker: ConnectionId,
  countEntries: (entries: number) => Promise<R | undefined>,
): Promise<Session | Refusal | R> {
  const key = sessionKey(sessionOf(principal, wish.sessionId));
  const found = (await core.store.get(key)) ?? (await begin(core, principal, wish, asker, countEntries));
  if (typeof found === 'string' || 'type' in found) return found;
  return found.forkedFrom?.sessionId === wish.from && isLiving(found) ? found : 'SESSION_EXISTS';
}

const isLiving = ({ deleted }: Session): boolean => deleted === undefined;

async function begin<R extends { type: 'error' }>(
  core: Core,
  principal: Principal,
  { sessionId, from, name, before: cut, countedFor }: ForkWish,
  asker: ConnectionId,
  countEntries: (entries: number) => Promise<R | undefined>,
): Promise<Session | Refusal | R> {
  const source = sessionOf(principal, from);
  const view = await viewSession(core, source);
  if (!isShown(view.session)) return 'SESSION_NOT_FOUND';
  // What runs is not in it. A turn that has ended stays as it is, and so does what stands before a message in a running one.
  const before = cut === undefined ? endedEntries(view) + 1 : await entryOfMessage(core, source, cut);
  if (before === undefined) return 'ENTRY_NOT_FOUND';
  if (before - 1 > MAX_FORK_ENTRIES) return 'FORK_TOO_LARGE';
  const excess = await countEntries(before - 1);
  if (excess) return excess;
  const facts = forkFacts(core, view.session, { sessionId, name, seq: lastSeq(view), before, countedFor });
  const session = sessionOf(principal, sessionId);
  // Sent first: if this function dies from here on, another one completes the fork, or removes what is copied of a session that
  // was deleted.
  // rule: half-fork-is-watched
  await core.queues.sendFork({ session, connection: asker }, WATCH_SECONDS);
  const key = sessionKey(session);
  const begun = await core.store.update(key, beginFork(facts));
  if (begun.ok) return begun.item;
  // Another function has taken the id, or this one has and its answer was lost.
  return (await core.store.get(key)) ?? 'SESSION_NOT_FOUND';
}

/** The number of the entry that is this message of a user: the newest, if there are several of one id. */
async function entryOfMessage(
  core: Core,
  session: SessionKey,
  message: number | MessageId,
): Promise<number | undefined> {
  const isNumber = typeof message === 'number';
  const isIt = (entry: Entry) => entry.role === 'user' && (isNumber ? entry.n : entry.id) === message;
  const entries = isNumber
    ? readTranscriptBefore(core, session, message + 1, 1)
    : readTranscriptBefore(core, session);
  for await (const entry of entries) {
    if (isIt(entry)) return entry.n;
    if (isNumber) return undefined;
  }
  return undefined;
}

/** `left`: there was no time for all, and another function goes on. `gone`: the origin, or the fork, was deleted. */
export type ForkEnd = 'whole' | 'left' | 'gone';

/** Copies what a fork lacks, and makes it a session. Any function can go on with any fork, also two at the same time. */
export async function completeFork(core: Core, fork: Session, until: EpochMs): Promise<ForkEnd> {
  const { principal, copying, forkedFrom } = fork;
  if (!copying || !forkedFrom) return isLiving(fork) ? 'whole' : 'gone';
  const target = sessionOf(principal, fork.sessionId);
  if (!isLiving(fork)) {
    // It was given up, and the function that did it may have died.
    await requestDeletion(core, target);
    return 'gone';
  }
  const source = sessionOf(principal, forkedFrom.sessionId);
  const before = /* rule: fork-ends-before-its-cut */ forkedFrom.before;
  const copies = { source, target, countedFor: copying.countedFor };
  if (!(await copyEntries(core, { ...copies, from: copying.to + 1, before, until }))) return 'left';
  await copySummaries(core, source, target, before);
  const origin = await core.store.get(sessionKey(source));
  // Looked at last: as long as it is there, nothing of it was removed.
  const isThere = /* rule: fork-of-deleted-session-is-given-up */ isShown(origin);
  if (!isThere || origin.created !== copying.created) return giveUp(core, target);
  // Before it is a session, so that whoever sees it finds it in the list.
  // rule: fork-is-listed
  await keepListed(core, fork);
  return finish(core, target);
}

interface Copies {
  source: SessionKey;
  target: SessionKey;
  countedFor: Principal | undefined;
}

/** @returns false: the time was over before all were copied */
async function copyEntries(
  core: Core,
  {
    source,
    target,
    from,
    before,
    until,
    countedFor,
  }: Copies & { from: number; before: number; until: EpochMs },
): Promise<boolean> {
  let batch: StoredEntry[] = [];
  let files: FileId[] = [];
  const put = async () => {
    await eachOf(batch, (entry) => putEntry(core, target, entry));
    await eachOf(files, (file) => copyFile(core, { source, target, countedFor, file }));
  };
  for await (const entry of readEntryItems(core, source, from, before)) {
    const named = filesNamedIn(entry);
    const isFull = batch.length === BATCH || (files.length > 0 && files.length + named.length > BATCH);
    if (isFull) {
      await put();
      if (core.clock.now() >= until) {
        await core.store.update(sessionKey(target), rememberCopied(entry.n - 1));
        return false;
      }
      batch = [];
      files = [];
    }
    batch.push(entry);
    files.push(...named);
  }
  // rule: fork-has-all-entries
  await put();
  // Of the message before which the fork is cut: its client may send that again, as it was.
  for await (const message of readEntryItems(core, source, before, before + 1))
    if (message.role === 'user')
      await eachOf(filesNamedIn(message), (file) => copyFile(core, { source, target, countedFor, file }));
  return true;
}

/** Those of entries that the fork has: prompts go on from them. */
async function copySummaries(
  core: Core,
  source: SessionKey,
  target: SessionKey,
  before: number,
): Promise<void> {
  if (before <= 1) return;
  const found = await core.store.query(summaryKey(source, 1), summaryKey(source, before - 1));
  const living = found.filter((summary) => !hasExpired(summary, core.clock.now()));
  await eachOf(living, (summary) => core.store.put(summaryKey(target, summary.to), summary));
}

async function finish(core: Core, target: SessionKey): Promise<ForkEnd> {
  const key = sessionKey(target);
  const finished = await core.store.update(key, finishFork(expiry(core).session));
  const fork = finished.ok ? finished.item : await core.store.get(key);
  return fork && isShown(fork) ? 'whole' : 'gone';
}

async function giveUp(core: Core, target: SessionKey): Promise<ForkEnd> {
  const key = sessionKey(target);
  const given = await core.store.update(key, giveUpFork(core.clock.now(), expiry(core).tombstone));
  const fork = given.ok ? given.item : await core.store.get(key);
  // Another function had copied all before the origin was deleted.
  if (fork && isShown(fork)) return 'whole';
  await requestDeletion(core, target);
  return 'gone';
}
