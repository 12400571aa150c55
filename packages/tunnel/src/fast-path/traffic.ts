import type { Counter, Traffic } from '../tunnel.ts';

export const noTraffic: Traffic = { sent: { packets: 0, bytes: 0 }, received: { packets: 0, bytes: 0 } };

/** Adds two, counter by counter. */
export function sum(a: Traffic, b: Traffic): Traffic {
  return { sent: add(a.sent, b.sent), received: add(a.received, b.received) };
}

function add(a: Counter, b: Counter): Counter {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}
