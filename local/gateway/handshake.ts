import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Admission } from './admission.ts';
import { errorFrame } from './error-frame.ts';
import type { GatewayLimits } from './types.ts';

/** The time that a client has to answer a close frame. */
const CLOSE_TIMEOUT_MS = 2000;

type Admitted = Extract<Admission, { kind: 'admitted' }>;

export interface HandshakeHandlers {
  /** Must not throw. Called only for handshakes that `ws` has validated. */
  decide(): Promise<Admission>;
  /** Called in the tick of the opening, so that no byte is lost before there is a listener. */
  opened(socket: WebSocket, admitted: Admitted): void;
  /** The handshake was accepted, but the client had disconnected. */
  abandoned(admitted: Admitted): void;
}

/** Answers an upgrade request according to the decision. */
export function answerHandshake(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  limits: GatewayLimits,
  handlers: HandshakeHandlers,
): void {
  let admitted: Admitted | undefined;
  let hasOpened = false;
  const options: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.messageBytes,
    closeTimeout: CLOSE_TIMEOUT_MS,
    verifyClient: (_info, answer) => {
      void handlers.decide().then((admission) => {
        if (admission.kind === 'refused') {
          answer(false, admission.statusCode, refusalBody(admission), refusalHeaders(admission));
          return;
        }
        admitted = admission;
        // `ws` opens within this call or, if the client has disconnected, not at all.
        answer(true);
        if (!hasOpened) handlers.abandoned(admission);
      });
    },
    handleProtocols: () => admitted?.subprotocol ?? false,
  };
  // A server for each handshake, which holds only its decision.
  new WebSocketServer(options).handleUpgrade(request, socket, head, (opened) => {
    if (admitted === undefined) return;
    hasOpened = true;
    handlers.opened(opened, admitted);
  });
}

type Refusal = Extract<Admission, { kind: 'refused' }>;

function refusalBody({ message, connectionId, requestId }: Refusal): string {
  return errorFrame(message, connectionId, requestId);
}

function refusalHeaders({ requestId }: Refusal): Record<string, string> {
  return { 'Content-Type': 'application/json', 'x-amzn-RequestId': requestId };
}
