import { Writable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { TEST_BUNDLES } from '../../test/support/bundles.ts';
import { LONG_TEST_MS } from '../../test/support/timeouts.ts';
import { startLocalCloud } from '../cloud.ts';
import { haveConversation } from './conversation.ts';
import { Printer } from './printer.ts';
import { brokenPromises } from './promises.ts';

it(
  'the demo has its conversation, prints it aligned and plain, and every promise holds',
  async () => {
    const cloud = await startLocalCloud({ bundles: TEST_BUNDLES });
    onTestFinished(() => cloud.close());
    let text = '';
    const stream = new Writable({
      write(chunk, _encoding, done) {
        text += chunk;
        done();
      },
    });
    const printer = new Printer({ stream, now: () => performance.now() });
    const outcome = await haveConversation(cloud.url, printer);
    printer.end();

    expect(brokenPromises(outcome)).toEqual([]);
    expect(outcome.missed).toBeGreaterThan(0);
    expect(text).toMatch(/you → message +id=m2 /);
    expect(text).toMatch(/ ← accepted +turn=1 id=m2 placement=steering/);
    expect(text).toMatch(/ ← applied +#\d+ +turn=1 messages=.*m2.* step=2/);
    expect(text).not.toContain('\u001b');
  },
  LONG_TEST_MS,
);
