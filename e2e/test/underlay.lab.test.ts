import { createLab } from '@flannel-ts/lab';
import { expect, it } from 'vitest';

it('a host of the lab reaches the underlay whatever joins it', async () => {
  await using lab = await createLab();
  const [first, second] = [await lab.addHost(), await lab.addHost()];
  const ping = () => first.run('ping', '-n', '-c', '1', '-W', '5', lab.underlayAddress);
  expect(await ping()).toContain('1 received');
  // The lowest MAC address of all ports.
  await lab.underlay.run('ip', 'link', 'set', second.name, 'address', '00:00:00:00:00:02');
  expect(await ping()).toContain('1 received');
});
