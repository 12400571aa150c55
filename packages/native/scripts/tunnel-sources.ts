/** The parts of the packet tunnel that tests and fuzzers run without devices; relative to the package. */
export const tunnelSources = [
  'admission',
  'checksum',
  'coalescer',
  'endpoint',
  'epochs',
  'icmp',
  'ip_header',
  'mergeable',
  'route_table',
  'segmenter',
  'send_queue',
  'traffic_class',
  'udp_socket',
  'unfinished',
].map((name) => `addon/tunnel/${name}.cc`);
