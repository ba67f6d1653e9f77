import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Admission } from './admission.ts';
import { errorFrame } from './error-frame.ts';
import type { GatewayLimits } from './types.ts';

/** A client that does not answer a close frame is let go after this long. */
const CLOSE_TIMEOUT_MS = 2000;

type Admitted = Extract<Admission, { kind: 'admitted' }>;

export interface HandshakeHandlers {
  /** Must not throw. Asked only about handshakes that could open: `ws` has checked them before. */
  decide(): Promise<Admission>;
  /** Called in the very tick of the opening, so that no byte is lost before a listener is there. */
  opened(socket: WebSocket, admitted: Admitted): void;
  /** Admitted, but the client had gone by then. */
  abandoned(admitted: Admitted): void;
}

/** Answers an upgrade request as the decision says. */
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
        // `ws` opens within this call or, if the client has gone, not at all.
        answer(true);
        if (!hasOpened) handlers.abandoned(admission);
      });
    },
    handleProtocols: () => admitted?.subprotocol ?? false,
  };
  // A server per handshake: all that it holds is this handshake's decision.
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
