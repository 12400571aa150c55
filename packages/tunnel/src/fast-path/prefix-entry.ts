// How the table of prefixes lies in the maps that the programs read.

/** The key of a prefix: its network in the machine's byte order, its length; 32 bits each. */
export const prefixKey = { network: 0, length: 4 } as const;
export const prefixKeyBytes = 8;

/** What is known of a prefix: the peer in network byte order, whose it is, and 64-bit counts: packets, then bytes. */
export const prefixEntry = { address: 0, port: 4, owner: 6, sent: 8, received: 24 } as const;
export const prefixEntryBytes = 40;

/** Whose a prefix is: a peer's that cannot take packets of a fast path, one's that can, or this host's. */
export const owner = { peer: 0, fastPeer: 1, self: 2 } as const;

/** How many different lengths the programs try, the longest first: 32 bits each, zeros behind the last. */
export const prefixLengths = 4;
