import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { admitHandshake } from './admission.ts';
import { ENDS } from './close-codes.ts';
import { Connection } from './connection.ts';
import { errorFrame } from './error-frame.ts';
import {
  type ConnectionEnd,
  type ConnectionFacts,
  disconnectEvent,
  messageEvent,
  requestContext,
} from './events.ts';
import { answerHandshake } from './handshake.ts';
import { readHandshakeRequest } from './handshake-request.ts';
import { gatewayId } from './ids.ts';
import { callFunction, describeError, describeFailure, readProxyResponse } from './integration.ts';
import { AWS_LIMITS } from './limits.ts';
import { createManagement } from './management.ts';
import { createRouteSelector } from './route-selection.ts';
import type { CreateGateway, Traffic } from './types.ts';

/**
 * An API Gateway WebSocket API on an HTTP server: routes, authorizer, quotas and management API as AWS documents them.
 *
 * @throws {Error} for a route selection expression other than `$request.body.<path>`
 */
export const createGateway: CreateGateway = (
  api,
  { limits: some = {}, log = () => {}, refusal = () => undefined } = {},
) => {
  const limits = { ...AWS_LIMITS, ...some };
  const selectRoute = createRouteSelector(api.routeSelectionExpression, new Set(api.routes.keys()));
  const open = new Map<string, Connection>();
  const disconnects = new Set<Promise<void>>();
  /** Upgrades whose `$connect` has not returned. */
  const handshakes = new Set<Duplex>();
  const servers = new Set<Server>();
  const observers = new Set<(traffic: Traffic) => void>();

  function findOpen(connectionId: string): Connection | undefined {
    const connection = open.get(connectionId);
    return connection?.isOpen ? connection : undefined;
  }

  const management = createManagement(api.stage, limits.messageBytes, findOpen);

  /**
   * Not awaited by the socket: frames of one connection are dispatched in order, and their functions run in parallel.
   */
  async function dispatch(connection: Connection, text: string): Promise<void> {
    const key = selectRoute(text) ?? '$default';
    const route = api.routes.get(key);
    const context = requestContext(api, connection.facts, {
      routeKey: key,
      eventType: 'MESSAGE',
      messageId: gatewayId(),
    });
    const tell = (message: string) => {
      const outcome = connection.send(errorFrame(message, connection.id, context.requestId));
      if (outcome !== 'sent') log(`connection ${connection.id} was not told "${message}": ${outcome}`);
    };
    if (route === undefined) {
      tell('Forbidden');
      return;
    }
    const outcome = await callFunction(route, messageEvent(context, text), (error) =>
      log(`${key} of connection ${connection.id} failed after its time limit: ${describeError(error)}`),
    );
    if (outcome.kind !== 'returned') {
      log(`${key} of connection ${connection.id} ${describeFailure(outcome)}`);
      tell(outcome.kind === 'timed-out' ? 'Endpoint request timed out' : 'Internal server error');
    } else if (readProxyResponse(outcome.value) === undefined) {
      log(`${key} of connection ${connection.id} returned no Lambda proxy response`);
      tell('Internal server error');
    }
    // Without a route response, the function's result does not reach the client.
  }

  async function invokeDisconnect(facts: ConnectionFacts, end: ConnectionEnd): Promise<void> {
    const route = api.routes.get('$disconnect');
    if (route === undefined) return;
    const name = `$disconnect of connection ${facts.connectionId}`;
    const outcome = await callFunction(route, disconnectEvent(api, facts, end), (error) =>
      log(`${name} failed after its time limit: ${describeError(error)}`),
    );
    // Best effort, as on AWS: `$disconnect` is not retried.
    if (outcome.kind !== 'returned') log(`${name} ${describeFailure(outcome)}`);
  }

  function track(work: Promise<void>): void {
    const tracked = work.finally(() => disconnects.delete(tracked));
    disconnects.add(tracked);
  }

  async function untilDisconnected(connection: Connection): Promise<void> {
    const end = await connection.ended;
    open.delete(connection.id);
    await invokeDisconnect(connection.facts, end);
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Read now, because a closed socket has no address.
    const handshake = readHandshakeRequest(request);
    handshakes.add(socket);
    socket.once('close', () => handshakes.delete(socket));
    answerHandshake(request, socket, head, limits, {
      decide: () => admitHandshake(api, handshake, refusal(request), log),
      opened(webSocket, { facts }) {
        handshakes.delete(socket);
        const connection = new Connection(webSocket, facts, limits, {
          onMessage: dispatch,
          onTraffic(traffic) {
            for (const listener of observers) listener(traffic);
          },
        });
        socket.prependListener('data', connection.createByteWatcher());
        open.set(connection.id, connection);
        track(untilDisconnected(connection));
      },
      abandoned({ facts }) {
        // The function accepted and may have stored the connection, so it receives `$disconnect`.
        track(invokeDisconnect(facts, ENDS.cut));
      },
    });
  }

  return {
    handleManagement: (request, response) => management.handle(request, response),
    attach(server) {
      servers.add(server);
      server.on('upgrade', upgrade);
    },
    connections: () => [...open.values()].filter(({ isOpen }) => isOpen).map(({ id }) => id),
    onTraffic(listener) {
      observers.add(listener);
      return () => {
        observers.delete(listener);
      };
    },
    cut(connectionId) {
      open.get(connectionId)?.cut();
    },
    hang(connectionId) {
      open.get(connectionId)?.halfOpen();
    },
    slowPosts: (ms) => management.slowPosts(ms),
    async close() {
      for (const server of servers) server.off('upgrade', upgrade);
      for (const socket of handshakes) socket.destroy();
      for (const connection of open.values()) connection.end(ENDS.goingAway);
      await Promise.all(disconnects);
    },
  };
};
