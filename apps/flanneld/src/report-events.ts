import type { BackendEvent } from '@flannel-ts/backend';
import type { DeviceEvent } from '@flannel-ts/device';
import type { FirewallEvent } from '@flannel-ts/firewall';
import type { KeeperEvent } from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';
import type { Logger } from './log.ts';
