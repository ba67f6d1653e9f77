import type { Lane } from '../../core/store/items.ts';

/** The tool that clients run. */
export const CLIENT_TOOL = 'locate';

/** Some arguments do not fit: such a call has a result, and nobody is asked. */
export const isUnfit = (args: unknown): boolean => (args as { n: number }).n % 7 === 0;

/** What a device sent for a request. */
export interface GivenValue {
  /** Unique among all that devices sent, unless it is a repeat. */
  value: string;
  isError: boolean;
  /** The lane of the connection that it was sent over. Undefined: not known yet. */
  lane: string | undefined;
  /** It has an output and an error, or neither. */
  malformed: boolean;
  /** The device was told that it is refused. */
  refused?: boolean;
  /** The device's connection was lost before anything was answered. */
  cut?: boolean;
}

/** Watches what clients give for calls of tools that they run. */
export class ClientCalls {
  /** By request, in the order in which they were sent. */
  readonly given = new Map<string, GivenValue[]>();
  /** By request: the digest that a lane has, and the lane. */
  readonly stored = new Map<string, { digest: string; lane: string }>();
  readonly #violated: (why: string) => void;

  constructor(violated: (why: string) => void) {
    this.#violated = violated;
  }

  /** A device sends this. */
  gives(request: string, given: GivenValue): void {
    this.given.set(request, [...(this.given.get(request) ?? []), given]);
  }

  /** A lane was written. The first output counts, and only while its request is open. */
  written(lane: string, { asked = {}, outputs = {} }: Pick<Lane, 'asked' | 'outputs'>): void {
    for (const [request, { digest }] of Object.entries(outputs)) {
      const before = this.stored.get(request);
      if (before && before.digest !== digest) this.#violated(`${request} has another output than before`);
      if (!before && !Object.hasOwn(asked, request))
        this.#violated(`${request} has an output and is not open`);
      if (!before) this.stored.set(request, { digest, lane: lane.replace('LANE#', '') });
    }
  }
}
