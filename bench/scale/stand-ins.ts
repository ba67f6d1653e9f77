import { IDLE_POLLS } from '../cost/prices.ts';
import type { Quotas, Rate } from './quotas.ts';
import { DOUBLES_AFTER_MS, PARTITION_WRITES, READS_PER_WRITE } from './quotas.ts';

/** AWS's limits in virtual time. Each says what it lets through; none does any work. Times are in milliseconds. */

/** A token bucket. All that is asked for is given, or nothing. */
export class Bucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt = 0;

  /** `rate` is per second. */
  constructor({ rate, burst }: Rate) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
  }

  take(amount: number, now: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.#rate);
    this.#filledAt = now;
    if (this.#tokens < amount) return false;
    this.#tokens -= amount;
    return true;
  }
}

/** AWS publishes no time after which an idle environment ends. Some minutes are usual. */
const IDLE_MS = 5 * 60_000;

/** The execution environments of one account. */
export class Environments {
  readonly #most: number;
  readonly #starts: Rate;
  readonly #functions = new Map<string, { idleSince: number[]; from: number; starts: Bucket }>();
  running = 0;

  constructor({ environments, startsPerTenSeconds }: Pick<Quotas, 'environments' | 'startsPerTenSeconds'>) {
    this.#most = environments;
    this.#starts = { rate: startsPerTenSeconds / 10, burst: startsPerTenSeconds };
  }

  /** An environment that is idle, or a new one. */
  invoke(name: string, now: number): 'warm' | 'cold' | 'refused' {
    if (this.running >= this.#most) return 'refused';
    const fn = this.#of(name);
    while (fn.from < fn.idleSince.length && (fn.idleSince[fn.from] ?? now) + IDLE_MS < now) fn.from++;
    const isWarm = fn.from < fn.idleSince.length;
    if (!isWarm && !fn.starts.take(1, now)) return 'refused';
    if (isWarm) fn.idleSince.pop();
    if (fn.from > 0 && fn.from === fn.idleSince.length) {
      fn.idleSince.length = 0;
      fn.from = 0;
    }
    this.running++;
    return isWarm ? 'warm' : 'cold';
  }

  end(name: string, now: number): void {
    this.running--;
    this.#of(name).idleSince.push(now);
  }

  #of(name: string) {
    const known = this.#functions.get(name);
    if (known) return known;
    const fn = { idleSince: [], from: 0, starts: new Bucket(this.#starts) };
    this.#functions.set(name, fn);
    return fn;
  }
}

/** Of a queue that is empty, Lambda keeps so many polls open. How it takes pollers away is not published. */
const SPARE = IDLE_POLLS.connections;

/** A FIFO queue with the pollers that Lambda has on it. A group has one message in flight. */
export class TurnQueue {
  readonly #quota: Quotas['turns'];
  readonly #ready: number[] = [];
  #from = 0;
  readonly #inFlight = new Set<number>();
  readonly #behind = new Map<number, number>();
  #limit: number;

  constructor(quota: Quotas['turns']) {
    this.#quota = quota;
    this.#limit = Math.min(quota.first, quota.most);
  }

  get waiting(): number {
    return this.#ready.length - this.#from;
  }

  get running(): number {
    return this.#inFlight.size;
  }

  /** A message that a poller could receive. */
  send(group: number): void {
    if (this.#inFlight.has(group)) this.#behind.set(group, (this.#behind.get(group) ?? 0) + 1);
    else this.#ready.push(group);
  }

  /** The oldest message whose group is free, if a poller is. Its group is in flight until `end`. */
  receive(): number | undefined {
    while (this.#inFlight.size < this.#limit) {
      const group = this.#ready[this.#from];
      if (group === undefined) return undefined;
      this.#from++;
      if (this.#from > 4096 && this.#from * 2 > this.#ready.length) {
        this.#ready.splice(0, this.#from);
        this.#from = 0;
      }
      if (this.#inFlight.has(group)) {
        this.#behind.set(group, (this.#behind.get(group) ?? 0) + 1);
        continue;
      }
      this.#inFlight.add(group);
      return group;
    }
    return undefined;
  }

  /** What was received is done. */
  end(group: number): void {
    this.#inFlight.delete(group);
    const behind = this.#behind.get(group);
    if (behind === undefined) return;
    if (behind > 1) this.#behind.set(group, behind - 1);
    else this.#behind.delete(group);
    this.#ready.push(group);
  }

  /** What was received could not be run. It is received again before the others. */
  putBack(group: number): void {
    this.#inFlight.delete(group);
    this.#from--;
    this.#ready[this.#from] = group;
  }

  /** Each second: more pollers where messages wait for one, fewer where none does. Some always poll. */
  scale(): void {
    const { first, morePerMinute, most } = this.#quota;
    const step = morePerMinute / 60;
    if (this.waiting > 0) this.#limit = Math.min(most, this.#limit + step);
    else this.#limit = Math.min(most, Math.max(first, this.running + SPARE, this.#limit - step));
  }
}

/** An on-demand table: partitions of 1,000 write units a second, twice as many half an hour after a peak. */
export class Table {
  readonly #most: number;
  #partitions: { writes: Bucket; reads: Bucket }[] = [];
  #capacity = 0;
  #written = 0;
  #writtenAt = 0;
  /** The highest minute, in units a second, since the last look. */
  #peak = 0;
  #lookedAt = 0;

  constructor({ warm, most }: Quotas['writes']) {
    this.#most = most;
    this.#grow(warm);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** `key` decides the partition. Either all units are given, or none. */
  take(key: number, writes: number, reads: number, now: number): boolean {
    if (this.#capacity === Number.POSITIVE_INFINITY) return true;
    this.#look(now);
    const partition = this.#partitions[hash(key) % this.#partitions.length];
    if (!partition?.writes.take(writes, now)) return false;
    // A read that is refused after its writes is asked for again with them: that is rare, and errs on the safe side.
    if (!partition.reads.take(reads, now)) return false;
    this.#written += writes;
    return true;
  }

  #look(now: number): void {
    if (now - this.#writtenAt >= 60_000) {
      this.#peak = Math.max(this.#peak, (1000 * this.#written) / (now - this.#writtenAt));
      this.#written = 0;
      this.#writtenAt = now;
    }
    if (now - this.#lookedAt < DOUBLES_AFTER_MS) return;
    this.#lookedAt = now;
    if (2 * this.#peak > this.#capacity) this.#grow(2 * this.#peak);
    this.#peak = 0;
  }

  #grow(units: number): void {
    this.#capacity = Math.min(this.#most, units);
    if (this.#capacity === Number.POSITIVE_INFINITY) return;
    const rate = PARTITION_WRITES;
    const reads = PARTITION_WRITES * READS_PER_WRITE;
    this.#partitions = Array.from({ length: Math.ceil(this.#capacity / PARTITION_WRITES) }, () => ({
      writes: new Bucket({ rate, burst: rate }),
      reads: new Bucket({ rate: reads, burst: reads }),
    }));
  }
}

/** Spreads neighbours: a partition key is hashed. */
function hash(key: number): number {
  let mixed = Math.imul(key + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
