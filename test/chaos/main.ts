import { parseArgs } from 'node:util';
import { describeRun, formatOutcome } from './report.ts';
import { runRestarts } from './restarts.ts';
import { runChaos } from './run.ts';

const USAGE = `npm run chaos -- [options]
  --turns 500 --kills 200 --cuts 200   go on until there were so many of each
  --sessions 10                        at one time
  --restarts 10                        of the whole local cloud, in a run of its own; 0: none
  --seed 1                             decides what people and faults do; the machine decides when`;

const { values } = parseArgs({
  options: {
    turns: { type: 'string', default: '500' },
    kills: { type: 'string', default: '200' },
    cuts: { type: 'string', default: '200' },
    sessions: { type: 'string', default: '10' },
    restarts: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const number = (name: 'turns' | 'kills' | 'cuts' | 'sessions' | 'restarts' | 'seed') => Number(values[name]);
const progress = (line: string) => console.error(line);
// `exit` also ends the processes that the run has started.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

console.log(describeRun());
let broken = 0;
if (number('turns') > 0) {
  const [seed, sessions] = [number('seed'), number('sessions')];
  const [turns, kills, cuts] = [number('turns'), number('kills'), number('cuts')];
  const outcome = await runChaos({ seed, turns, kills, cuts, sessions, progress });
  console.log(`\nFunctions killed, connections cut\n${formatOutcome(outcome)}`);
  broken += outcome.violations.length;
}
if (number('restarts') > 0) {
  const outcome = await runRestarts({
    seed: number('seed'),
    restarts: number('restarts'),
    sessions: Math.min(4, number('sessions')),
    progress,
  });
  console.log(`\nThe whole local cloud killed and restarted\n${formatOutcome(outcome)}`);
  broken += outcome.violations.length;
}
process.exit(broken > 0 ? 1 : 0);
