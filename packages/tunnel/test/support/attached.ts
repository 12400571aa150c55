import { attachedPrograms } from '@flannel-ts/bpf';
import type { Host } from '@flannel-ts/lab';
import { inNamespace } from '@flannel-ts/native';

/** Names of the programs at the interfaces of a host, sorted. */
export async function attachedAt(host: Host): Promise<readonly string[]> {
  const links = await host.json<{ ifindex: number }[]>('ip', '-json', 'link');
  const ids = inNamespace(host.path, () =>
    links.flatMap(({ ifindex }) => [
      ...attachedPrograms(ifindex, 'ingress'),
      ...attachedPrograms(ifindex, 'egress'),
    ]),
  );
  const show = (id: number) => host.json<{ name: string }>('bpftool', '-j', 'prog', 'show', 'id', `${id}`);
  return (await Promise.all(ids.map(show))).map(({ name }) => name).sort();
}
