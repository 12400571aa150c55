/** Offsets of `struct __sk_buff` (linux/bpf.h), all 32 bits: the context of a program at an interface. */
export const skb = {
  len: 0,
  /** 0 when the packet is for this host's link address. */
  pktType: 4,
  /** EtherType in network byte order. */
  protocol: 16,
  vlanPresent: 20,
  tcIndex: 44,
  /** Becomes the `tcIndex` of a packet that passes. */
  tcClassid: 72,
  gsoSize: 176,
} as const;

/** What becomes of a packet (linux/bpf.h, `enum tcx_action_base`). */
export const verdict = {
  /** The next program decides. */
  next: -1,
  /** It goes on; no further program sees it. */
  pass: 0,
  drop: 2,
} as const;

/** Numbers of helpers (linux/bpf.h, `enum bpf_func_id`); bpf-helpers(7) tells what they do. */
export const helper = {
  mapLookupElem: 1,
  skbStoreBytes: 9,
  redirect: 23,
  skbLoadBytes: 26,
  skbChangeHead: 43,
  skbAdjustRoom: 50,
  fibLookup: 69,
  skLookupUdp: 85,
  skRelease: 86,
  skAssign: 124,
  redirectNeigh: 152,
} as const;
