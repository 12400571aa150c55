import { expect, it } from 'vitest';
import { firstMissingLine } from '../guide/expect-output.ts';

const OUTPUT = 'FLANNEL_NETWORK=10.50.0.0/16\nFLANNEL_SUBNET=10.50.7.1/24\n3 sent, 3 received, 0% loss\n';

it.each([
  ['nothing', [], undefined],
  ['part of a line', ['NETWORK=10.50'], undefined],
  ['lines in order with others between them', ['FLANNEL_NETWORK', '0% loss'], undefined],
  ['anything for …', ['FLANNEL_SUBNET=10.50.….1/24', '3 …received'], undefined],
  ['lines in another order', ['FLANNEL_SUBNET', 'FLANNEL_NETWORK'], 'FLANNEL_NETWORK'],
  ['one line twice', ['0% loss', '0% loss'], '0% loss'],
  ['… over the end of a line', ['NETWORK…SUBNET'], 'NETWORK…SUBNET'],
  ['what is after … before it', ['received…sent'], 'received…sent'],
  ['what is not there', ['.*'], '.*'],
])('%s', (_, expected, missing) => {
  expect(firstMissingLine(expected, OUTPUT)).toBe(missing);
});
