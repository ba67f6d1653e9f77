import { POST_LIMIT_MS } from '../../aws/timeouts.ts';
import { milliseconds } from '../../config/units.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { asConnectionId, type ConnectionId } from '../../core/ids.ts';
import type { Gateway as Port } from '../../core/ports.ts';
import type { Session } from '../../core/store/items.ts';
import { readListening } from '../../core/store/listening.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import { abbreviated } from './story.ts';

/** The client's end of one connection. */
export interface Receiver {
  frame(frame: ServerFrame): void;
  /** API Gateway's frame "Internal server error": the function failed. */
  failed(): void;
  closed(): void;
}

/** What posts to connections need of their cloud. */
interface World {
  readonly scheduler: Scheduler;
  readonly settings: { postMs: number };
  readonly connections: Map<string, Receiver>;
  readonly committed: ReadonlyMap<number, TurnEvent>;
  readonly approvals: { tells(actor: Actor): void };
  readonly session: Session | undefined;
  readonly isDeleted: boolean;
  deletionConfirmed: boolean;
  violated(promise: string, why: string): void;
}

/** API Gateway's management API, and what is judged of the frames that are posted. */
export class Gateway {
  readonly #world: World;
  /** Connections whose clients vanished without a word. */
  readonly #vanished = new Set<string>();
  /** By connection: how far one function, and no other, has replayed events to it. */
  readonly #replays = new Map<string, { upTo: number; isOne: boolean }>();
  #posted: { text: string; frame: ServerFrame } | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  vanishes(connection: ConnectionId): void {
    this.#vanished.add(connection);
    this.#world.scheduler.count('client vanished');
  }

  /** The port of one invocation. Each call is an operation of the actor. */
  portOf(actor: Actor): Port {
    const { scheduler, settings, connections } = this.#world;
    return {
      post: async (connection, frame) => {
        if (settings.postMs > 0)
          await scheduler.sleep(actor, milliseconds(scheduler.random.int(0, 2 * settings.postMs)));
        const outcome = await scheduler.operation(
          actor,
          () => `post ${abbreviated(frame)} → ${connection}`,
          true,
          () => this.#deliver(actor, connection, frame),
        );
        if (outcome === 'unanswered') await scheduler.sleep(actor, milliseconds(POST_LIMIT_MS));
        return outcome;
      },
      disconnect: (connection) =>
        scheduler.operation(
          actor,
          () => `close ${connection}`,
          true,
          () => {
            scheduler.count('connection closed');
            if (!this.#vanished.has(connection)) connections.get(connection)?.closed();
            connections.delete(connection);
            return 'closed' as const;
          },
        ),
    };
  }

  #deliver(actor: Actor, connection: string, text: string): 'sent' | 'gone' | 'unanswered' {
    const world = this.#world;
    // All listeners receive the same text, so it is parsed once.
    if (this.#posted?.text !== text) this.#posted = { text, frame: JSON.parse(text) as ServerFrame };
    const { frame } = this.#posted;
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_FRAME_BYTES) world.violated('frame', `a ${frame.type} of ${bytes} bytes was posted`);
    if (frame.type === 'deleted') world.deletionConfirmed = true;
    if (frame.type === 'trusted') world.approvals.tells(actor);
    if ('seq' in frame) {
      const stored = world.committed.get(frame.seq);
      if (!stored || stored.type !== frame.type || stored.turn !== frame.turn_id) {
        world.violated('P4', `${frame.type} ${frame.seq} was posted and is not what is stored`);
      }
    }
    const receiver = world.connections.get(connection);
    if (!receiver) return 'gone';
    if (this.#vanished.has(connection)) {
      world.scheduler.count('post unanswered');
      return 'unanswered';
    }
    if ('seq' in frame) this.#judgeOnce(actor, connection, frame.seq);
    receiver.frame(frame);
    return 'sent';
  }

  /** P9: a worker sends no event that was replayed. A late duplicate of a post is not its doing. */
  #judgeOnce(actor: Actor, connection: string, seq: number): void {
    const { scheduler, session, isDeleted } = this.#world;
    if (scheduler.isLate || isDeleted) return;
    const replay = this.#replays.get(connection) ?? { upTo: 0, isOne: true };
    if (actor.id.startsWith('worker')) {
      if (replay.isOne && seq <= replay.upTo)
        this.#world.violated('P9', `event ${seq} was replayed to ${connection}, and sent to it again`);
      return;
    }
    // Others post events of a turn too: of one that nobody retired, or of a deleted session.
    const how = session?.audience[asConnectionId(connection)];
    const { join, isLive } = readListening(how ?? 1);
    if (isLive) return;
    // A client that asks again on an open connection may be sent what is under way beside the replay.
    this.#replays.set(connection, { upTo: Math.max(replay.upTo, seq), isOne: replay.isOne && join === 1 });
  }
}
