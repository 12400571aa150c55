// Makes the interface of a number drop all that arrives, in a way of Program, and dies without a clean-up.
import { exit, loadProgram, move, verdict } from '../../src/index.ts';

const [index, way] = process.argv.slice(2) as [string, 'attach' | 'attachForGood'];
loadProgram([move(0, verdict.drop), exit], 'Dual MIT/GPL')[way](Number(index), 'ingress');
console.log('attached');
process.kill(process.pid, 'SIGKILL');
