import { generateFaults } from './faults/generate.ts';
import { simulate } from './simulate.ts';
const [first, count, daemons, days] = process.argv.slice(2).map(Number);
const only = process.argv[6] === 'none';
for (let seed = first!; seed < first! + count!; seed++) {
  const request = { seed, daemons: daemons!, days: days! };
  const faults = only ? [] : generateFaults(request);
  const t = performance.now();
  const result = await simulate(request, faults);
  console.log(
    seed,
    result.digest,
    faults.length,
    'faults',
    result.steps,
    'steps',
    Math.round(performance.now() - t),
    'ms',
    result.failure?.at ? (result.failure.at / 86400e3).toFixed(2) : '',
    result.failure?.problem.slice(0, 300) ?? 'ok',
  );
  if (result.failure && process.argv[7]) console.log(result.failure.history.join('\n'));
}
