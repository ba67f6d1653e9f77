import type { Principal } from '../../core/store/items.ts';
import { REFERENCE } from '../cost/reference-turn.ts';
import type { Script } from '../virtual/agent.ts';
import { pacedAgent } from '../virtual/agent.ts';
import type { Client, CloudOptions } from '../virtual/cloud.ts';
import { VirtualCloud } from '../virtual/cloud.ts';

/** Turns as fast as our code can run them: services in memory that answer at once, a model that takes virtual time alone. */

export const ANN: Principal = { tenant: 'acme', subject: 'ann' };
/** As long as those of our client, since ids fill the lane. */
const idOf = (n: number) => `${n}-`.padEnd(20, 'x');
export const SESSION = idOf(0);
const MESSAGE = 'Could you compare the two plans and tell me which one fits a team of five?';
const STEERING = 'Please leave out the part about the price, and mind that two of us work part-time.';
const TOKEN_MS = 1000 / REFERENCE.tokensPerSecond;

const atOnce = () => 0;

/** Of each model call, in order; the last one for all that follow. */
export const REFERENCE_SCRIPT: readonly Script[] = REFERENCE.tokens.map((tokens, step) => ({
  firstTokenMs: TOKEN_MS,
  tokenMs: TOKEN_MS,
  tokens,
  ...(step < REFERENCE.tools && { toolMs: 1000 * REFERENCE.toolSeconds }),
}));

export const saying = (tokens: number, tokenMs = TOKEN_MS): readonly Script[] => [
  { firstTokenMs: tokenMs, tokenMs, tokens },
];

/** One session with one client. */
export class Talk {
  readonly cloud: VirtualCloud;
  #script: readonly Script[] = [];
  #step = 0;
  #sent = 0;

  constructor(onCall?: CloudOptions['onCall']) {
    const { agent } = pacedAgent(() => this.#next());
    this.cloud = new VirtualCloud({ delay: atOnce, agent, forgets: true, ...(onCall && { onCall }) });
  }

  connect(): Promise<Client> {
    return this.cloud.connect(ANN, SESSION);
  }

  /** Processor time of the process without that of the table in memory, in ms. The clock and the model are in it. */
  async cpuOf(work: () => Promise<void>): Promise<number> {
    const { standInMs } = this.cloud;
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 - (this.cloud.standInMs - standInMs);
  }

  /** One turn, to the last thing that is done for it. Once it streams, it is steered so often, all at once. */
  async turn(client: Client, script: readonly Script[], steerings: number): Promise<void> {
    this.#script = script;
    this.#step = 0;
    const done = client.next('done');
    const chunk = client.next('chunk');
    this.#send(client, MESSAGE);
    await chunk;
    for (let n = 0; n < steerings; n++) this.#send(client, STEERING);
    await done;
    await this.cloud.settled();
  }

  #send(client: Client, content: string): void {
    const order = ++this.#sent;
    client.send({ type: 'message', id: idOf(order), content, order });
  }

  #next(): Script {
    const script = this.#script[Math.min(this.#step++, this.#script.length - 1)];
    if (!script) throw new Error('The model has nothing to say.');
    return script;
  }
}
