/** Asks the kernel for the device `vpn` again and again, and prints the microseconds of CPU that one question costs. */
import { WireGuard } from '../../src/netlink/index.js';

const COUNT = 2_000;
const wireguard = await WireGuard.open();
for (let left = 200; left > 0; left--) await wireguard.device('vpn'); // until V8 has compiled what is hot
const before = process.cpuUsage();
for (let left = COUNT; left > 0; left--) await wireguard.device('vpn');
const { user, system } = process.cpuUsage(before);
wireguard.close();
process.stdout.write(`${(user + system) / COUNT}\n`);
