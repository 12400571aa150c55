import type { BootedHost, EngineRelease } from '@flannel-ts/lab';

const ETCD = 'http://192.168.77.13:2379';

/** What a host of a running cluster has installed. Since Debian 13 Docker's client is a package of its own. */
export function upstreamPackages(engine: EngineRelease): readonly string[] {
  const client = engine === '20.10' ? [] : ['docker-cli'];
  return ['busybox-static', 'docker.io', ...client, 'etcd-client', 'etcd-server', 'iptables'];
}

/** A host of the cluster that `replacing-upstream.md` begins with. */
interface UpstreamHost {
  readonly name: string;
  readonly address: string;
  /** First three octets of its subnet, a /24. */
  readonly subnet: string;
  readonly mac: string;
  readonly container: string;
}

const HOSTS: readonly [UpstreamHost, UpstreamHost] = [
  { name: 'host1', address: '192.168.77.11', subnet: '10.50.11', mac: '02:42:0a:32:0b:00', container: 'red' },
  {
    name: 'host2',
    address: '192.168.77.12',
    subnet: '10.50.12',
    mac: '02:42:0a:32:0c:00',
    container: 'blue',
  },
];

/**
 * Makes of booted hosts what `replacing-upstream.md` begins with: an etcd with the config and two leases, two hosts
 * whose Docker has the leased subnet, and a container on each. Upstream's daemon is not to be had from Debian, so a
 * service of its name leaves on the hosts what upstream's v0.20 leaves.
 */
export async function prepareUpstream(hosts: ReadonlyMap<string, BootedHost>): Promise<void> {
  await runScript(hosts.get('etcd')!, etcdScript());
  const [first, second] = HOSTS;
  await runScript(hosts.get('host1')!, hostScript(first, second));
  await runScript(hosts.get('host2')!, hostScript(second, first));
}

async function runScript(host: BootedHost, script: string): Promise<void> {
  await host.run('bash', '-euc', `export HOME=/root; cd; ${script}`);
}

function etcdScript(): string {
  const lease = ({ address, mac }: UpstreamHost) =>
    `{"PublicIP":"${address}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${mac}"}}`;
  const keys = HOSTS.map(
    (host) => `etcdctl put /coreos.com/network/subnets/${host.subnet}.0-24 '${lease(host)}'`,
  );
  return `
echo 'ETCD_LISTEN_CLIENT_URLS="http://127.0.0.1:2379,${ETCD}"
ETCD_ADVERTISE_CLIENT_URLS="${ETCD}"' >> /etc/default/etcd
systemctl start etcd
etcdctl put /coreos.com/network/config '{"Network":"10.50.0.0/16","Backend":{"Type":"vxlan"}}'
${keys.join('\n')}`;
}

function hostScript(host: UpstreamHost, peer: UpstreamHost): string {
  return `
cat > /usr/local/bin/flanneld <<'END'
${standIn(host, peer)}
END
chmod +x /usr/local/bin/flanneld
cat > /etc/default/flanneld <<'END'
FLANNELD_ETCD_ENDPOINTS=${ETCD}
FLANNELD_IP_MASQ=true
END
cat > /etc/systemd/system/flanneld.service <<'END'
[Service]
Type=notify
NotifyAccess=all
EnvironmentFile=/etc/default/flanneld
ExecStart=/usr/local/bin/flanneld
[Install]
WantedBy=multi-user.target
END
mkdir -p /etc/systemd/system/docker.service.d
cat > /etc/systemd/system/docker.service.d/upstream.conf <<'END'
[Service]
EnvironmentFile=/run/flannel/docker
ExecStart=
ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_NETWORK_OPTIONS
END
systemctl daemon-reload
systemctl enable --now flanneld
systemctl start docker
mkdir -p image/bin
cp /bin/busybox image/bin
chroot image /bin/busybox --install -s /bin
tar --create --directory=image . | docker import - busybox
docker run --detach --name ${host.container} busybox sleep infinity`;
}

function standIn(host: UpstreamHost, peer: UpstreamHost): string {
  const vtep = `address ${host.mac} type vxlan id 1 local ${host.address} dev eth0 dstport 8472 nolearning`;
  return `#!/bin/sh -e
# Not upstream's program: it leaves on a host what upstream's leaves there.
ip link show flannel.1 > /dev/null 2>&1 || ip link add flannel.1 mtu 1450 ${vtep}
ip address replace ${host.subnet}.0/32 dev flannel.1
ip link set flannel.1 up
ip neighbour replace ${peer.subnet}.0 lladdr ${peer.mac} dev flannel.1 nud permanent
bridge fdb replace ${peer.mac} dev flannel.1 dst ${peer.address}
ip route replace ${peer.subnet}.0/24 via ${peer.subnet}.0 dev flannel.1 onlink
for rule in "POSTROUTING -t nat -s 10.50.0.0/16 -d 10.50.0.0/16 -j RETURN" \\
  "POSTROUTING -t nat -s 10.50.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE" \\
  "FORWARD -s 10.50.0.0/16 -j ACCEPT" "FORWARD -d 10.50.0.0/16 -j ACCEPT"; do
  iptables -C $rule 2> /dev/null || iptables -A $rule
done
mkdir -p /run/flannel
cat > /run/flannel/subnet.env <<EOT
FLANNEL_NETWORK=10.50.0.0/16
FLANNEL_SUBNET=${host.subnet}.1/24
FLANNEL_MTU=1450
FLANNEL_IPMASQ=true
EOT
echo 'DOCKER_NETWORK_OPTIONS=" --bip=${host.subnet}.1/24 --ip-masq=false --mtu=1450"' > /run/flannel/docker
systemd-notify --ready
sleep infinity`;
}
