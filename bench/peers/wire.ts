import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/** A relay between clients and a server on this machine that counts each byte, headers included, and can be cut. */
export class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes from the clients, and to them. */
  #up = 0;
  #down = 0;

  private constructor(port: number) {
    this.#server = createServer((client) => this.#relay(client, port));
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port);
    await new Promise<void>((resolve) => wire.#server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The relay does not listen.');
    return `127.0.0.1:${address.port}`;
  }

  /** Bytes since the last call. */
  take(): { up: number; down: number } {
    const taken = { up: this.#up, down: this.#down };
    this.#up = this.#down = 0;
    return taken;
  }

  /** Resets every connection, as a lost network does. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve, reject) =>
      this.#server.close((error) => (error ? reject(error) : resolve())),
    );
  }

  #relay(client: Socket, port: number): void {
    const server = dial(port, '127.0.0.1');
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // A connection that ended badly ends the other one: that is all there is to know.
      socket.on('error', () => {});
    }
    client.on('data', (data) => {
      this.#up += data.length;
    });
    server.on('data', (data) => {
      this.#down += data.length;
    });
    client.pipe(server);
    server.pipe(client);
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  }
}
