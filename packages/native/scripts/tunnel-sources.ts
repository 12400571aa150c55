/** The pure parts of the packet tunnel, which tests and fuzzers run without devices; relative to the package. */
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
  'unfinished',
].map((name) => `addon/tunnel/${name}.cc`);
