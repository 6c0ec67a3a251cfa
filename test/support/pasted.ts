/**
 * Who runs which block of the documents. A block that nobody runs stands here with the reason, and a block that does not stand
 * here fails test/unit/documents.test.ts.
 */

/**
 * `unit` and `netns`: the test file `documents.test.ts` of that folder, pasting it or holding it against what is true. `published`:
 * test/unit/published.test.ts.
 */
export type Runner = 'unit' | 'netns' | 'published' | { readonly notRun: string };

const install = { notRun: 'fetches packages from the registry of npm, and tests stay off the network' };
const systemd = { notRun: 'takes a machine that runs systemd, or others that manage networks' };
const gluon = { notRun: 'takes a build of Gluon' };
const router = { notRun: "takes OpenWrt's own programs" };

export const runners: Readonly<Record<string, Runner>> = {
  'README.md, wgpeerselector, 1': {
    notRun:
      'the demo is a test by itself, which fails if a step did not happen; the second line fetches packages',
  },
  'README.md, A router in five minutes, 1': 'netns',
  'README.md, A router in five minutes, 2': 'netns',
  'README.md, A router in five minutes, 3': router,
  'README.md, A Linux box with three provider files in five minutes, 1': 'netns',
  'README.md, A Linux box with three provider files in five minutes, 2': 'netns',
  'README.md, A Linux box with three provider files in five minutes, 3': 'netns',
  'README.md, Configuration and commands, 1': 'unit',
  'README.md, The libraries, 1': 'published',
  'README.md, Netlink for Node: wgpeerselector/netlink, 1': 'netns',
  'README.md, ubus from Node: wgpeerselector/ubus, 1': 'netns',
  'README.md, NTP from Node: wgpeerselector/sntp, 1': 'netns',
  'README.md, UCI files from Node: wgpeerselector/uci, 1': 'published',
  'CONTRIBUTING.md, Where tests in test/netns run, 1': { notRun: 'a line of a test' },
  'CONTRIBUTING.md, The virtual machine, 1': { notRun: 'boots machines, and asks for a person' },
  'CONTRIBUTING.md, Fuzzing, 1': {
    notRun: 'takes minutes to hours; test/unit/fuzz.test.ts runs the same with fewer inputs',
  },
  'CONTRIBUTING.md, Mutations, 1': install,
  'CONTRIBUTING.md, The simulated world, 1': {
    notRun: 'takes minutes; test/unit/simulation.test.ts runs the same with fewer seeds',
  },
  'CONTRIBUTING.md, Writing a test on a real kernel, 1': {
    notRun: 'a test without its imports; those of test/netns are like it',
  },
  'docs/architecture.md, Architecture, 1': { notRun: 'a drawing' },
  'docs/architecture.md, The way through the house, 1': { notRun: 'a drawing' },
  'docs/architecture.md, The selector, 1': { notRun: 'a sketch of src/selector/selector.ts' },
  'docs/commands.md, Files of wg-quick, 1': {
    notRun: 'test/unit/wg-quick.test.ts does the same with files of its own',
  },
  'docs/commands.md, How they reach the daemon, 1': 'unit',
  'docs/configuration.md, Configuration, 1': 'unit',
  "docs/configuration.md, config interface 'IFNAME', 1": 'unit',
  "docs/configuration.md, config interface 'IFNAME', 2": {
    notRun: 'what ip(8) shows: test/netns/full-tunnel.test.ts expects these very lines',
  },
  "docs/configuration.md, config interface 'IFNAME', 3": 'unit',
  'docs/configuration.md, NTP servers, 1': 'unit',
  'docs/configuration.md, What happens with a mistake, 1': 'unit',
  'docs/gluon.md, Taking it, 1': gluon,
  'docs/gluon.md, Taking it, 2': gluon,
  'docs/gluon.md, yanic and meshviewer, 1': router,
  'docs/gluon.md, yanic and meshviewer, 2': router,
  'docs/monitoring.md, With node_exporter, 1': { notRun: 'a unit of systemd' },
  'docs/monitoring.md, With node_exporter, 2': { notRun: 'a unit of systemd' },
  'docs/monitoring.md, With node_exporter, 3': { notRun: 'a line for cron' },
  'docs/monitoring.md, On OpenWrt, 1': { notRun: 'a line for cron' },
  'docs/netlink.md, Netlink for Node: wgpeerselector/netlink, 1': 'netns',
  'docs/linux.md, Install, 1': install,
  'docs/linux.md, Install, 2': install,
  'docs/linux.md, By hand, 1': 'netns',
  'docs/linux.md, By hand, 2': 'netns',
  'docs/linux.md, By hand, 3': 'netns',
  'docs/linux.md, By hand, 4': 'netns',
  'docs/linux.md, Configure and start, 1': systemd,
  'docs/linux.md, Configure and start, 2': systemd,
  'docs/linux.md, The interface, 1': systemd,
  'docs/linux.md, The interface, 2': 'unit',
  'docs/linux.md, The clock, 1': 'unit',
  'docs/linux.md, check_address, 1': 'unit',
  'docs/linux.md, With Node, 1': 'unit',
  'docs/linux.md, systemd-networkd, 1': systemd,
  'docs/linux.md, NetworkManager, 1': systemd,
  'docs/linux.md, ifupdown, 1': systemd,
  'docs/openwrt.md, Hotplug, 1': router,
  'docs/openwrt.md, Peers at run time, 1': {
    notRun: 'test/netns/run-time.test.ts does so with gateways that there are',
  },
  'docs/openwrt.md, Peers at run time, 2': { notRun: 'test/unit/bus-acl.test.ts gives it to an ubusd' },
  'docs/openwrt.md, Install, 1': install,
  'docs/openwrt.md, Install, 2': { notRun: 'takes a build root of OpenWrt' },
  'docs/openwrt.md, Configuration with netifd, 1': 'unit',
  'docs/openwrt.md, Configuration with netifd, 2': 'unit',
  'docs/openwrt.md, Configuration with netifd, 3': 'netns',
  'docs/openwrt.md, Configuration with procd, 1': router,
  'docs/openwrt.md, LuCI, 1': { notRun: 'takes rpcd' },
  'docs/openwrt.md, Changes, 1': 'netns',
  'docs/openwrt.md, What is wrong, 1': {
    notRun: 'the program by its name on a router; README has it by its file',
  },
  'docs/openwrt.md, What is wrong, 2': 'unit',
  'docs/openwrt.md, What is wrong, 3': router,
  'docs/openwrt.md, Status and events, 1': router,
  'docs/selection.md, States, 1': { notRun: 'a drawing' },
  'docs/sntp.md, NTP from Node: wgpeerselector/sntp, 1': 'netns',
  'docs/sntp.md, NTP from Node: wgpeerselector/sntp, 2': 'netns',
  'docs/troubleshooting.md, Troubleshooting, 1': { notRun: 'two lines, whose messages stand below' },
  'docs/troubleshooting.md, What the kernel says, 1': { notRun: 'a line, whose message stands below' },
  'docs/ubus.md, ubus from Node: wgpeerselector/ubus, 1': 'netns',
};

/** The names of the blocks that a runner has to run. */
export function blocksFor(runner: Exclude<Runner, object>): string[] {
  return Object.keys(runners).filter((name) => runners[name] === runner);
}
