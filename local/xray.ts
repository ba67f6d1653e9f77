import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** X-Ray as functions meet it: Lambda's tracing header, and the daemon that takes what they send. */
export interface Traces {
  /** `host:port` of the daemon. Source: "Defined runtime environment variables", AWS Lambda developer guide. */
  daemon: string;
  /** While somebody listens, every request is sampled; otherwise none is. The listener is given each datagram. */
  listen(listener: (datagram: Buffer) => void): () => void;
  /** The tracing header of a new invocation. Undefined: it is not sampled. */
  header(): string | undefined;
  close(): Promise<void>;
}

export async function startTraces(): Promise<Traces> {
  const listeners = new Set<(datagram: Buffer) => void>();
  const socket = createSocket('udp4', (datagram) => {
    for (const listener of listeners) listener(datagram);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    daemon: `127.0.0.1:${socket.address().port}`,
    listen(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    header() {
      if (listeners.size === 0) return undefined;
      const seconds = Math.floor(Date.now() / 1000).toString(16);
      return `Root=1-${seconds}-${randomBytes(12).toString('hex')};Parent=${randomBytes(8).toString('hex')};Sampled=1`;
    },
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
}
