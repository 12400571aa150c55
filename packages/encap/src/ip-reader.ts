import type { IpView } from './ip-view.ts';
import { Ipv4View } from './ipv4.ts';
import { Ipv6View } from './ipv6.ts';
import { Malformed } from './malformed.ts';

/** Reads IP packets of either family, as the udp backend carries them and ICMP errors quote them. */
export class IpReader {
  readonly #ipv4 = new Ipv4View();
  readonly #ipv6 = new Ipv6View();
  #packet: IpView = this.#ipv4;

  /** The packet that was read last. */
  get packet(): IpView {
    return this.#packet;
  }

  /** Like {@link View.read}. */
  read(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    return this.#choose(bytes, start, end) ?? this.#packet.read(bytes, start, end);
  }

  /** Like {@link IpView.readQuoted}. */
  readQuoted(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    return this.#choose(bytes, start, end) ?? this.#packet.readQuoted(bytes, start, end);
  }

  #choose(bytes: Uint8Array, start: number, end: number): Malformed | undefined {
    const limit = Math.min(end, bytes.length);
    if (start >= limit) return new Malformed('ip', limit, 'truncated');
    const version = bytes[start]! >> 4;
    if (version !== 4 && version !== 6) return new Malformed('ip', start, 'version');
    this.#packet = version === 4 ? this.#ipv4 : this.#ipv6;
    return undefined;
  }
}
