/**
 * Frames that Linux 6.18 put on the wire: `vxlan42` with the extension for group policy, checksums computed in
 * software, `ping -s 8 -m 0x400134`, and what the kernel itself says.
 */
export const frames = {
  /** An echo request in VXLAN over IPv4. */
  vxlanOverIpv4: hex(`
    d295aad958f2 ae82babf5e4a 0800
    4500 0056 4fcc 0000 40 11 0f63 c0a84d0b c0a84d0c
    8b03 2118 0042 d036
    88 40 0134 00002a 00
    cab400120c0f 624aae7ec49b 0800
    4500 0024 dcf2 4000 40 01 49d2 0a090001 0a090002
    08 00 8ac2 612c 0001 0001020304050607`),

  /** An ICMPv6 echo request in VXLAN over IPv6. */
  vxlanOverIpv6: hex(`
    d295aad958f2 ae82babf5e4a 86dd
    60000000 0056 11 40 fd770000000000000000000000000001 fd770000000000000000000000000002
    9c89 2118 0056 1b5e
    88 40 0134 00002a 00
    12cfe4cb8354 be21f2ef8619 86dd
    6007a4d5 0010 3a 40 fd090000000000000000000000000001 fd090000000000000000000000000002
    80 00 17d5 61b8 0001 0001020304050607`),

  /** In VXLAN over IPv4: nobody is on UDP port 9, where "hi" was sent. */
  portUnreachable: hex(`
    ae82babf5e4a d295aad958f2 0800
    4500 006d d397 0000 40 11 8b80 c0a84d0c c0a84d0b
    8b03 2118 0059 517d
    08 00 0000 00002a 00
    624aae7ec49b cab400120c0f 0800
    45c0 003b 2dda 0000 40 01 3814 0a090002 0a090001
    03 03 112e 00000000
    4500 001f 566c 4000 40 11 d04d 0a090001 0a090002 adb8 0009 000b cb98 68690a`),

  /** A multicast listener report: ICMPv6 behind a hop-by-hop header with a router alert. */
  listenerReport: hex(`
    333300000016 dad7f0163675 86dd
    60000000 0024 00 01 fe80000000000000d8d7f0fffe163675 ff020000000000000000000000000016
    3a00 05020000 0100
    8f 00 3c1a 00000001 04000000 ff0200000000000000000001ff163675`),
};

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}
