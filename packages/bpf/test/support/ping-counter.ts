import { decodeStruct, encodeStruct, loadSkeleton, type BpfMap, type Program } from '../../src/index.ts';
import { skeleton } from '../programs/skeleton.ts';

/** linux/pkt_cls.h: what becomes of a packet. */
export const verdict = { next: -1, pass: 0, drop: 2 } as const;

/** A program that counts IPv4 echo requests. */
export interface PingCounter extends Disposable {
  readonly program: Program;
  readonly map: BpfMap;
  counted(): { readonly packets: number; readonly bytes: number };
}

/** Loads a program that gives echo requests one verdict, and all other packets another. */
export function loadPingCounter(onPing: number, onOthers: number): PingCounter {
  const { verdicts, counted } = skeleton.structs;
  const loaded = loadSkeleton(skeleton, encodeStruct(verdicts, { onPing, onOthers }));
  const map = loaded.maps.test_counted;
  return {
    program: loaded.programs.count_pings,
    map,
    counted() {
      const { packets, bytes } = decodeStruct(counted, map.get(new Uint8Array(4))![0]!);
      return { packets, bytes };
    },
    [Symbol.dispose]: () => loaded[Symbol.dispose](),
  };
}
