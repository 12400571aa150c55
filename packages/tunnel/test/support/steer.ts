// `steer.ts DEVICE` steers what the device receives, as on a machine with many cores.
import { steerReceivedPackets } from '../../src/receive-packet-steering.ts';

steerReceivedPackets(process.argv[2]!, { cores: 64 });
