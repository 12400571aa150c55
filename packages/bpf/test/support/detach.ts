// `detach.ts INDEX ID` detaches the program ID from the ingress of the interface INDEX.
import { detachProgram } from '../../src/index.ts';

const [index, id] = process.argv.slice(2).map(Number) as [number, number];
detachProgram(index, 'ingress', id);
