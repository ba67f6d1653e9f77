import { bundles } from './bundles.ts';
import { circumstances } from './circumstances.ts';
import { concurrent } from './concurrent.ts';
import { delivery } from './delivery.ts';
import { firstMessages } from './first-message.ts';
import { interactive } from './interactive.ts';
import { longAnswer } from './long-answer.ts';
import { movement } from './movement.ts';
import { writeSection } from './page.ts';
import { formatCircumstances, formatTable, writeResult } from './report.ts';
import { type Bench, isMissed } from './result.ts';

/** `npm run bench [-- name …]`: all benches, or those named. A broken promise fails it; a missed time is only said. */
const BENCHES: readonly Bench[] = [
  interactive,
  concurrent,
  bundles,
  firstMessages,
  longAnswer,
  delivery,
  movement,
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no bench ${unknown.join(', ')}: there are ${BENCHES.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}

// Through `exit`, which ends what a bench has started.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const where = circumstances();
console.log(formatCircumstances(where));
let broken = 0;
for (const bench of BENCHES.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
  const result = await bench.run();
  console.log(`\n${bench.name}: ${result.about}\n${formatTable(result)}`);
  for (const figure of result.figures.filter(isMissed))
    console.log(`  missed its target: ${figure.name.trim()}`);
  for (const line of result.broken) console.error(`  BROKEN ${line}`);
  if (result.broken.length === 0) console.log('  every promise held');
  console.log(`  written to ${await writeResult(bench.name, result, where)}`);
  const page = bench.page?.(result, where);
  if (page) await writeSection(page.section, page.text);
  broken += result.broken.length;
}
process.exitCode = broken > 0 ? 1 : 0;
