import { setImmediate as nextTick } from 'node:timers/promises';
import type { Core } from '../core.ts';
import { MemoryTable } from './memory-store.ts';

/** Longer than all that a handler does beside one call. */
const LATE_TICKS = 40;

/** Ports of which one call comes back late: whoever does not wait for it is done before. */
interface LatePorts {
  core: Core;
  /** How many calls have begun. */
  calls(): number;
  /** What has begun and has not ended. */
  underWay(): string[];
}

function withLateCall(core: Core, late: number): LatePorts {
  let calls = 0;
  const underWay = new Set<{ name: string }>();
  const watched = <P extends object>(port: P): P =>
    new Proxy(port, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function' || name === 'now') return method;
        return async (...args: unknown[]) => {
          const call = { name: `${String(name)}(${JSON.stringify(args[0])})` };
          underWay.add(call);
          // A timer that is cleared is over.
          const signal = args.find((one) => one instanceof AbortSignal);
          signal?.addEventListener('abort', () => underWay.delete(call));
          try {
            if (calls++ === late) for (let tick = 0; tick < LATE_TICKS; tick++) await nextTick();
            return await method.apply(target, args);
          } finally {
            underWay.delete(call);
          }
        };
      },
    });
  const { store, gateway, queues, clock, files, bus } = core;
  return {
    core: {
      ...core,
      store: watched(store),
      gateway: watched(gateway),
      queues: watched(queues),
      clock: watched(clock),
      ...(files && { files: watched(files) }),
      ...(bus && { bus: watched(bus) }),
    },
    calls: () => calls,
    underWay: () => [...underWay].map(({ name }) => name),
  };
}

/**
 * Does the same again and again, each time with another call of a port that comes back late. Lambda freezes a function that has
 * answered: what it has not waited for goes on in another invocation, or never.
 *
 * @param fresh gives a core on which nothing was done yet
 * @returns the calls that were not waited for; none if all were
 */
export async function callsLeftUnderWay(
  fresh: () => Core,
  act: (core: Core) => Promise<unknown>,
): Promise<string[]> {
  const left: string[] = [];
  for (let late = 0; ; late++) {
    const ports = withLateCall(fresh(), late);
    await act(ports.core);
    left.push(...ports.underWay());
    if (ports.calls() <= late) return left;
  }
}

/** A table with the same items, for a core on which nothing was done yet. */
export function copyOf(table: MemoryTable): MemoryTable {
  const copy = new MemoryTable();
  for (const { pk, sk, item } of table.all()) copy.put({ pk, sk }, item);
  return copy;
}
