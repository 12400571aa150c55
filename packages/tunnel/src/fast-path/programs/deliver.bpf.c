// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "packet.h"
#include "reasons.h"

const volatile struct settings settings;

/**
 * Runs at the ingress of the decapsulating device. Moves what it delivers to the TUN device, as
 * if it had come from there: firewall rules, reverse path filters and captures find it where it
 * always was. What flannel_rx did not mark is dropped. The TTL is decremented here, where segments
 * are one packet again.
 */
SEC("tc")
int flannel_deliver(struct __sk_buff *skb)
{
	struct reasons *reasons = find_reasons();
	struct iphdr ip;

	if (!reasons)
		return TC_ACT_SHOT;
	if (skb->tc_index != settings.mark)
		return drop(&reasons->deliver_unmarked);
	skb->tc_index = 0;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, CHANGED_BYTES))
		return drop(&reasons->deliver_malformed);
	decrement_ttl(&ip);
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, CHANGED_BYTES, BPF_F_RECOMPUTE_CSUM))
		return drop(&reasons->deliver_malformed);
	return bpf_redirect(settings.tun_index, BPF_F_INGRESS);
}
