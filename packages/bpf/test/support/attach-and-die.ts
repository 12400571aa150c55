// Makes the interface of a number drop all that arrives, in a way of Program, and dies without a clean-up.
import { loadPingCounter, verdict } from './ping-counter.ts';

const [index, way] = process.argv.slice(2) as [string, 'attach' | 'attachForGood'];
loadPingCounter(verdict.drop, verdict.drop).program[way](Number(index), 'ingress');
console.log('attached');
process.kill(process.pid, 'SIGKILL');
