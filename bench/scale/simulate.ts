import { doubling, HANDSHAKE_WITHIN, REPEAT_AFTER, REPEAT_AT_MOST, retryDelay } from '../../client/timing.ts';
import { Random } from '../../test/simulation/random.ts';
import { medianOf } from '../latency/delays.ts';
import { Agenda } from './agenda.ts';
import type { Limit, Refusal } from './outcome.ts';
import { Outcome } from './outcome.ts';
import type { Person } from './person.ts';
import { personOf } from './person.ts';
import type { Demand, FunctionOfLoad, Profile } from './profile.ts';
import { sumOf } from './profile.ts';
import type { Quotas } from './quotas.ts';
import type { Scenario } from './scenarios.ts';
import { think } from './scenarios.ts';
import { Bucket, Environments, Table, TurnQueue } from './stand-ins.ts';

/** What happens to a person. The last four are calls of functions, each with its three steps. */
const DIALS = 0;
const TOKEN = 1;
const LATE = 2;
const TURN = 3;
const STEPS = { sends: 4, calls: 8, done: 12 } as const;
const KINDS = 16;
const TICK = -1;

const CALLS = ['handshake', 'connect', 'message', 'steering'] as const;
type Call = 0 | 1 | 2 | 3;
const [HANDSHAKE, CONNECT, MESSAGE, STEERING] = [0, 1, 2, 3] as const;

const SECOND = 1000;
/** As `MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS` and `MIDTURN_VISIBILITY_SECONDS` are by default. */
const QUEUE_TIMEOUT_MS = 30 * SECOND;
const VISIBILITY_MS = 15 * SECOND;
/** As aws/timeouts.ts and the SDK have it: 500 ms, doubled with each attempt, times a random number. */
const ATTEMPTS = 6;
const BACKOFF_MS = 500;
/** As core/post.ts has it. */
const REPEAT_POSTS_MS = 2 * SECOND;
const FIRST_PAUSE_MS = 50;
/** Somebody reads the page, and writes. */
const WRITES_MS = [3 * SECOND, 10 * SECOND] as const;

const OF_TURN = CALLS.length;

/** A load on AWS's limits: people, functions and queue as events in virtual time, each with what the recorded code asks for. */
export function simulate(scenario: Scenario, quotas: Quotas, profile: Profile, seed: number): Outcome {
  return new Load(scenario, quotas, profile, new Random(seed)).run();
}

class Load {
  readonly #scenario: Scenario;
  readonly #profile: Profile;
  readonly #demands: readonly Demand[];
  /** From its first text to its end, of a turn that nothing holds back. */
  readonly #ownMs: number;
  readonly #random: Random;
  readonly #agenda = new Agenda();
  readonly #people: Person[];
  readonly #outcome = new Outcome();
  readonly #requests: Bucket;
  readonly #connections: Bucket;
  readonly #handshakes: Bucket;
  readonly #frames: Bucket;
  readonly #environments: Environments;
  readonly #queue: TurnQueue;
  readonly #table: Table;
  #now = 0;

  constructor(scenario: Scenario, quotas: Quotas, profile: Profile, random: Random) {
    this.#scenario = scenario;
    this.#profile = profile;
    this.#demands = [
      profile.handshake,
      profile.frames.connect,
      profile.frames.message,
      profile.frames.steering,
    ];
    this.#ownMs = sumOf(profile.turn.slice(1)).ms;
    this.#random = random;
    this.#requests = new Bucket(quotas.requests);
    this.#connections = new Bucket(quotas.connections);
    this.#handshakes = new Bucket(quotas.handshakes);
    this.#frames = new Bucket(quotas.frames);
    this.#environments = new Environments(quotas);
    this.#queue = new TurnQueue(quotas.turns);
    this.#table = new Table(quotas.writes);
    this.#people = Array.from({ length: scenario.people }, (_, n) => {
      const spread = (n + random.next()) / scenario.people;
      return personOf(scenario, Math.floor(scenario.lastsMs * scenario.arrival(spread)));
    });
  }

  run(): Outcome {
    for (const [n, { arrivedAt }] of this.#people.entries()) this.#agenda.add(arrivedAt, n * KINDS + DIALS);
    this.#agenda.add(0, TICK);
    while (this.#agenda.length > 0) {
      this.#now = this.#agenda.nextAt;
      const code = this.#agenda.take();
      if (code === TICK) this.#tick();
      else this.#happens(Math.floor(code / KINDS), code % KINDS);
    }
    this.#outcome.endedAt = this.#now;
    return this.#outcome;
  }

  #happens(n: number, what: number): void {
    const person = this.#people[n];
    if (!person) throw new Error('Nobody has this number.');
    if (what >= STEPS.done) this.#done(n, person, (what - STEPS.done) as Call);
    else if (what >= STEPS.calls) this.#calls(n, person, (what - STEPS.calls) as Call);
    else if (what >= STEPS.sends) this.#sends(n, person, (what - STEPS.sends) as Call);
    else if (what === TURN) this.#goesOn(n, person);
    else if (what === TOKEN) {
      this.#queue.send(n);
      this.#receive();
    } else if (what === LATE) this.#late(n, person);
    else this.#dials(n, person);
  }

  #soon(n: number, what: number, afterMs: number): void {
    this.#agenda.add(this.#now + afterMs, n * KINDS + what);
  }

  #tick(): void {
    const moment = this.#outcome.at(this.#now);
    moment.turns = this.#queue.running;
    moment.waiting = this.#queue.waiting;
    moment.environments = this.#environments.running;
    this.#receive();
    if (this.#queue.waiting > 0) this.#outcome.meets('pollers', this.#now);
    this.#queue.scale();
    if (this.#agenda.length > 0) this.#agenda.add(this.#now + SECOND, TICK);
  }

  #refuses(refusal: Refusal, limit: Limit): void {
    this.#outcome.refused[refusal]++;
    this.#outcome.meets(limit, this.#now);
  }

  #dials(n: number, person: Person): void {
    this.#outcome.at(this.#now).dials++;
    if (!this.#handshakes.take(1, this.#now)) this.#refuses('handshake', 'handshakes');
    else if (!this.#connections.take(1, this.#now)) this.#refuses('handshake', 'connections');
    else if (!this.#asks(1)) this.#refuses('handshake', 'requests');
    else {
      const start = this.#starts('authorizer');
      if (start !== undefined) {
        this.#soon(n, STEPS.sends + HANDSHAKE, medianOf('frame') + start);
        return;
      }
      this.#refuses('environment', 'environments');
    }
    this.#redials(n, person);
  }

  #redials(n: number, person: Person): void {
    this.#soon(n, DIALS, retryDelay(person.dials++, this.#random.next()));
  }

  /** A frame comes, or the authorizer has let a handshake pass. */
  #sends(n: number, person: Person, call: Call): void {
    if (call === HANDSHAKE) this.#environments.end('authorizer', this.#now);
    else {
      if (!person.isConnected && call !== CONNECT) {
        if (call === MESSAGE) person.isHeldBack = true;
        return;
      }
      this.#outcome.at(this.#now).frames++;
      const refusedBy = this.#refusesFrame();
      if (refusedBy) {
        this.#repeats(n, person, call, 'frame', refusedBy);
        return;
      }
    }
    const start = this.#starts(functionOf(call));
    if (start === undefined) this.#repeats(n, person, call, 'environment', 'environments');
    else this.#soon(n, STEPS.calls + call, start + (call === HANDSHAKE ? 0 : medianOf('frame')));
  }

  #refusesFrame(): Limit | undefined {
    if (!this.#frames.take(1, this.#now)) return 'frames';
    return this.#asks(1) ? undefined : 'requests';
  }

  /** The client tries again what it has no answer to. */
  #repeats(n: number, person: Person, call: Call, refusal: Refusal, limit: Limit): void {
    this.#refuses(refusal, limit);
    if (call === HANDSHAKE) this.#redials(n, person);
    else if (call === CONNECT) this.#soon(n, DIALS, HANDSHAKE_WITHIN);
    else {
      const repeats = person.repeats[call] ?? 0;
      person.repeats[call] = repeats + 1;
      this.#soon(n, STEPS.sends + call, doubling(REPEAT_AFTER, repeats, REPEAT_AT_MOST));
    }
  }

  #calls(n: number, person: Person, call: Call): void {
    const demand = this.#demands[call] as Demand;
    const outcome = this.#writes(n, person, call, demand);
    if (outcome === 'later') return;
    if (outcome === 'never') {
      this.#environments.end(functionOf(call), this.#now);
      this.#repeats(n, person, call, 'table', 'table');
      return;
    }
    if (call === MESSAGE) {
      person.lateAt = this.#now + QUEUE_TIMEOUT_MS;
      this.#soon(n, TOKEN, this.#profile.sendsAfterMs + this.#profile.deliveryMs(this.#random));
      this.#soon(n, LATE, QUEUE_TIMEOUT_MS);
    }
    this.#soon(n, STEPS.done + call, demand.ms);
  }

  #done(n: number, person: Person, call: Call): void {
    const posted = this.#posts(n, person, call, (this.#demands[call] as Demand).posts);
    if (posted === 'later') return;
    this.#environments.end(functionOf(call), this.#now);
    if (posted === 'never') return;
    person.repeats[call] = 0;
    if (call === HANDSHAKE) this.#soon(n, STEPS.sends + CONNECT, 0);
    else if (call === CONNECT) this.#connected(n, person);
    else if (call === MESSAGE) this.#outcome.accepted.add(person.sentAt, this.#now - person.sentAt);
  }

  #connected(n: number, person: Person): void {
    const isFirst = person.sentAt < 0;
    person.isConnected = true;
    person.dials = 0;
    if (isFirst) {
      this.#outcome.connected.add(person.arrivedAt, this.#now - person.arrivedAt);
      this.#writesMessage(n, person, this.#random.int(...WRITES_MS));
    } else if (person.isHeldBack) {
      person.isHeldBack = false;
      this.#soon(n, STEPS.sends + MESSAGE, 0);
    }
  }

  #writesMessage(n: number, person: Person, afterMs: number): void {
    person.sentAt = this.#now + afterMs;
    this.#soon(n, STEPS.sends + MESSAGE, afterMs);
  }

  /** Turns begin, as far as there are pollers and environments. */
  #receive(): void {
    for (;;) {
      const n = this.#queue.receive();
      if (n === undefined) return;
      const start = this.#starts('turn');
      if (start === undefined) {
        // AWS does not say when a poller tries again whose invocation was throttled.
        this.#queue.putBack(n);
        this.#outcome.meets('environments', this.#now);
        return;
      }
      const person = this.#people[n] as Person;
      if (person.stale > 0) {
        person.stale--;
        person.stretch = -1;
        this.#soon(n, TURN, start + medianOf('read'));
      } else {
        person.stretch = 0;
        person.isPosted = true;
        person.lateAt = -1;
        this.#soon(n, TURN, start);
      }
    }
  }

  #late(n: number, person: Person): void {
    // It has begun, or this is the deadline of an earlier one.
    if (person.lateAt !== this.#now) return;
    this.#outcome.refused.wait++;
    person.stale++;
    this.#nextTurn(n, person);
  }

  /** A stretch of the turn is over, and the next one begins. */
  #goesOn(n: number, person: Person): void {
    const { turn, steersAt, modelMs } = this.#profile;
    if (person.isLost) {
      const start = this.#starts('turn');
      person.isLost = start === undefined;
      this.#soon(n, TURN, start ?? SECOND);
      return;
    }
    if (person.stretch < 0) {
      this.#endsTurn(n);
      return;
    }
    if (!person.isPosted) {
      const posts = turn[person.stretch - 1]?.posts ?? 0;
      if (person.isConnected && this.#posts(n, person, OF_TURN, posts) === 'later') return;
      person.isPosted = true;
      if (person.stretch === 1) {
        person.textAt = this.#now;
        this.#outcome.firstText.add(person.sentAt, this.#now - person.sentAt - modelMs);
      }
    }
    const demand = turn[person.stretch];
    if (!demand) {
      this.#outcome.answered++;
      this.#outcome.stalled.add(person.textAt, this.#now - person.textAt - this.#ownMs);
      this.#endsTurn(n);
      this.#nextTurn(n, person);
      return;
    }
    const written = this.#writes(n, person, OF_TURN, demand);
    if (written === 'later') return;
    if (written === 'never') {
      this.#refuses('worker', 'table');
      this.#environments.end('turn', this.#now);
      person.isLost = true;
      this.#soon(n, TURN, VISIBILITY_MS);
      return;
    }
    if (person.stretch === steersAt) this.#soon(n, STEPS.sends + STEERING, 0);
    person.stretch++;
    person.isPosted = false;
    this.#soon(n, TURN, demand.ms);
  }

  #endsTurn(n: number): void {
    this.#environments.end('turn', this.#now);
    this.#queue.end(n);
    this.#receive();
  }

  #nextTurn(n: number, person: Person): void {
    person.turnsLeft--;
    if (person.turnsLeft > 0) this.#writesMessage(n, person, think(this.#scenario, this.#random));
  }

  /** Calls of the table, repeated as the SDK does. */
  #writes(n: number, person: Person, of: number, { writes, reads }: Demand): 'made' | 'later' | 'never' {
    if (this.#table.take(n, writes, reads, this.#now)) {
      person.attempts[of] = 0;
      this.#outcome.at(this.#now).writes += writes;
      return 'made';
    }
    this.#outcome.meets('table', this.#now);
    const attempt = person.attempts[of] ?? 0;
    person.attempts[of] = attempt + 1;
    if (attempt + 1 === ATTEMPTS) {
      person.attempts[of] = 0;
      return 'never';
    }
    this.#soon(n, stepOf(of, STEPS.calls), this.#random.next() * BACKOFF_MS * 2 ** attempt);
    return 'later';
  }

  /** Posts, repeated as core/post.ts does; then the connection is closed, and its client connects again. */
  #posts(n: number, person: Person, of: number, posts: number): 'made' | 'later' | 'never' {
    const since = person.postingSince[of] ?? -1;
    if (posts === 0 || this.#asks(posts)) {
      person.postingSince[of] = -1;
      return 'made';
    }
    this.#outcome.meets('requests', this.#now);
    const waited = since < 0 ? 0 : this.#now - since;
    // The pauses double, so that the next one is as long as all before it, and the first.
    const pause = FIRST_PAUSE_MS + waited;
    if (waited + pause < REPEAT_POSTS_MS) {
      if (since < 0) person.postingSince[of] = this.#now;
      this.#soon(n, stepOf(of, STEPS.done), pause);
      return 'later';
    }
    person.postingSince[of] = -1;
    this.#outcome.refused.post++;
    person.isConnected = false;
    this.#redials(n, person);
    return 'never';
  }

  /** Requests of API Gateway. */
  #asks(requests: number): boolean {
    if (!this.#requests.take(requests, this.#now)) return false;
    this.#outcome.at(this.#now).requests += requests;
    return true;
  }

  /** How long a function takes until it begins. Undefined: it may not. */
  #starts(name: FunctionOfLoad): number | undefined {
    const environment = this.#environments.invoke(name, this.#now);
    if (environment === 'refused') return undefined;
    return environment === 'warm' ? 0 : this.#profile.startMs[name];
  }
}

const functionOf = (call: Call): FunctionOfLoad => (call === HANDSHAKE ? 'connection' : 'inbound');

const stepOf = (of: number, step: number): number => (of === OF_TURN ? TURN : step + of);
