import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { vi } from 'vitest';
import { WAIT_MS } from './timeouts.ts';

/**
 * Places where a tool waits until a test opens them. It reaches one with a GET of its name below the URL. One whose name
 * ends in `-closed` holds nobody.
 */
export class WaitingPlaces {
  readonly reached: string[] = [];
  readonly #waiting = new Map<string, ServerResponse>();
  readonly #server = createServer((request, response) => {
    const place = (request.url ?? '').slice(1);
    this.reached.push(place);
    if (place.endsWith('-closed')) response.end();
    else this.#waiting.set(place, response);
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Until a tool has been here so many times. */
  wait(place: string, times = 1): Promise<unknown> {
    return vi.waitUntil(() => this.reached.filter((one) => one === place).length >= times, {
      timeout: WAIT_MS,
    });
  }

  async open(place: string, times = 1): Promise<void> {
    await this.wait(place, times);
    this.#waiting.get(place)?.end();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
