import { ask, doneOf, speakingTurn, visit } from '../moves.ts';
import { brief, demand } from '../outcome.ts';
import type { Peer } from '../peer.ts';
import { SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

async function demandPongs(peer: Peer): Promise<void> {
  for (const nonce of ['n1', 2, undefined]) {
    const from = peer.received.length;
    peer.send({ type: 'ping', ...(nonce !== undefined && { nonce }) });
    const pong = await peer.wait('pong', { from });
    demand(pong.nonce === nonce, `the answer to a ping with the nonce ${nonce} was ${brief(pong)}`);
  }
}

export const PING: readonly Scenario[] = [
  {
    name: 'ping-nonce',
    promise: 'wire',
    points: ['3.2.3', '7.4.2'],
    says: '`ping` is answered by `pong` with the same nonce: a text, a number, or none',
    run: async (server) => demandPongs((await visit(server)).peer),
  },
  {
    name: 'ping-in-mid-turn',
    promise: 'P14',
    points: ['7.4.2'],
    says: '`ping` is answered while a turn runs, and does not change the turn',
    async run(server) {
      const { peer, turn } = await speakingTurn(server, SHORT);
      await demandPongs(peer);
      await doneOf(peer, turn);
      const { ack } = await ask(peer, SHORT);
      await doneOf(peer, ack.turn_id);
    },
  },
];
