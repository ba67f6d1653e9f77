import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Broken, brief, Skipped } from '../outcome.ts';
import type { Case, Step } from './case.ts';
import { Changes } from './changes.ts';
import { Driver } from './driver.ts';
import { Stage } from './stage.ts';

export interface Subject {
  /** The program of the client under test, and its arguments. */
  command: readonly string[];
  /** How long to wait for what the client should do, in milliseconds. */
  timeoutMs: number;
}

/** Plays a case with a client of its own. @throws {Broken} when the client does not do what it should @throws {Skipped} */
export async function play(theCase: Case, { command, timeoutMs }: Subject): Promise<void> {
  const changes = new Changes(timeoutMs);
  const stage = await Stage.open(theCase, changes);
  const driver = new Driver(command, changes);
  try {
    await driver.ready();
    const missing = theCase.needs?.find((feature) => driver.cannot.includes(feature));
    if (missing) throw new Skipped(`the client has no ${missing}`);
    for (const step of theCase.steps) {
      await playStep(step, { stage, driver, changes });
      stage.demandRight();
      driver.demandAlive();
    }
  } catch (error) {
    // Why the client broke the protocol says more than what did not come for it.
    stage.demandRight();
    driver.demandAlive();
    throw error;
  } finally {
    await driver.close();
    stage.close();
  }
}

interface Scene {
  stage: Stage;
  driver: Driver;
  changes: Changes;
}

async function playStep(step: Step, scene: Scene): Promise<void> {
  const { stage, driver } = scene;
  if ('tell' in step) {
    const { tell } = step;
    if (tell.do === 'send') stage.announce(tell.name, tell.content);
    driver.tell(tell.do === 'open' ? { ...tell, url: stage.url } : tell);
  } else if ('expect' in step) await stage.expect(step.expect);
  else if ('post' in step) await stage.post(step.post);
  else if ('answerNext' in step) stage.answerNext(step.answerNext);
  else if ('release' in step) await stage.release();
  else if ('refuseNext' in step) stage.refuseNext(step.refuseNext);
  else if ('cut' in step) stage.cut(step.cut);
  else if ('token' in step) await stage.expectToken(step.token);
  else if ('quiet' in step) await demandQuiet(step, stage);
  else await see(step.see, scene);
}

async function demandQuiet({ quiet, ms }: Extract<Step, { quiet: unknown }>, stage: Stage): Promise<void> {
  const { connections } = stage;
  await sleep(ms);
  if (quiet === 'connection') {
    if (stage.connections > connections) throw new Broken('the client connected again');
  } else if (stage.untaken(quiet) > 0) throw new Broken(`the client sent \`${quiet}\``);
}

async function see(
  { events, messages = {} }: Extract<Step, { see: unknown }>['see'],
  { stage, driver, changes }: Scene,
): Promise<void> {
  const handedOn = () => {
    const known = driver.events.filter(({ type }) => !String(type).startsWith('x-'));
    return known.map(({ seq }) => seq);
  };
  const states = () =>
    Object.fromEntries(Object.keys(messages).map((name) => [name, driver.messages.get(name)]));
  await changes.until(
    () => {
      stage.demandRight();
      driver.demandAlive();
      const areEvents = events === undefined || isDeepStrictEqual(handedOn(), events);
      return (areEvents && isDeepStrictEqual(states(), messages)) || undefined;
    },
    () =>
      events !== undefined && !isDeepStrictEqual(handedOn(), events)
        ? `the events ${brief(events)} are due, the client handed on ${brief(handedOn())}`
        : `the messages are ${brief(states())}, and not ${brief(messages)}`,
  );
  for (const event of driver.events) {
    const stored = stage.story.events[Number(event.seq) - 1];
    // Other fields are what the client makes of them.
    if (
      !stored ||
      event.type !== stored.type ||
      (stored.type === 'chunk' && event.content !== stored.content)
    )
      throw new Broken(`event ${event.seq} was handed on as ${brief(event)}`);
  }
}
