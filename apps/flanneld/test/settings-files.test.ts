import { expect, it } from 'vitest';
import { readRequest } from '../src/request.ts';
import { parseEnvironmentFile, splitWords } from '../src/settings-files.ts';

it.each([
  ['A=1\n# B=2\n;C=3\n\n  D = 4 \n', { A: '1', D: '4' }],
  [`A="one two"\nB='$HOME "x"'\nC="say \\"hi\\" \\n"\n`, { A: 'one two', B: '$HOME "x"', C: 'say "hi" \\n' }],
  ['A=a#b # c\nB=a"b"\nC="a"b\n', { A: 'a#b # c', B: 'a"b"', C: 'ab' }],
  ['A=one \\\n  two\nB="one \\\ntwo"\nC="one\ntwo"\n', { A: 'one   two', B: 'one two', C: 'one\ntwo' }],
  ['A=1\nA=2\nB=\nnothing\n1A=3\n', { A: '2', B: '' }],
])('parses %j as systemd does', (text, variables) => {
  expect(parseEnvironmentFile(text)).toEqual(variables);
});

it('splits a variable as systemd does', () => {
  expect(splitWords(` --iface=eth0  '-a b' -c="d e" `)).toEqual(['--iface=eth0', '-a b', '-c=d e']);
});

it('gives a command what the unit’s settings say, unless it is told otherwise', async () => {
  const unit = {
    FLANNEL_OPTIONS:
      '--ip-masq -iface eth1 --etcd-prefix /unit -v=2 -logtostderr --subnet-file=/run/unit.env',
    FLANNEL_ETCD_ENDPOINTS: 'http://unit:2379',
    FLANNELD_PUBLIC_IP: '10.0.0.1',
  };
  const args = ['cleanup', '--etcd-prefix=/given'];
  const request = await readRequest(args, { FLANNELD_PUBLIC_IP: '10.0.0.2' }, () => Promise.resolve(unit));
  if (request.kind !== 'cleanup') throw new Error(request.kind);
  expect({ ...request.settings, 'public-ip': request.settings['public-ip']?.toString() }).toMatchObject({
    iface: ['eth1'],
    'etcd-prefix': '/given',
    'etcd-endpoints': ['http://unit:2379'],
    'subnet-file': '/run/unit.env',
    'public-ip': '10.0.0.2',
    v: 2,
  });
});

it('leaves the daemon to its unit', async () => {
  const request = await readRequest([], {}, () => Promise.reject(new Error('read')));
  expect(request.kind).toBe('run');
});
