/** What befalls the daemon as a process. */
import { setTimeout as delay } from 'node:timers/promises';
import { descriptors } from '../../bench/process-figures.js';
import { exec } from '../lab/exec.js';
import { type Incident, moment } from './incident.js';

/** See the file's head. */
export const OF_PROCESS: readonly Incident[] = [
  {
    name: 'kill -9, and started again',
    happen: (scene) => scene.restart(),
  },
  {
    name: 'kill -9 while it goes to another gateway, and started again',
    async happen(scene) {
      await scene.ask('next');
      await delay(moment(scene, 0, 3_000));
      await scene.restart();
    },
  },
  {
    name: 'kill -9, its gateway dies before it is started again',
    async happen(scene) {
      const held = await scene.held();
      await scene.kill();
      await held.kill();
      await scene.startDaemon();
      await scene.carries();
      await held.revive();
    },
  },
  {
    name: 'it stands still for ten seconds (SIGSTOP)',
    async happen(scene) {
      scene.daemon.signal('SIGSTOP');
      await delay(10_000);
      scene.daemon.signal('SIGCONT');
    },
  },
  {
    name: 'it gets no more file descriptors, reads its configuration and goes on',
    async happen(scene) {
      const limit = (soft: string) => exec(['prlimit', `--pid=${scene.daemon.pid}`, `--nofile=${soft}:`]);
      await limit(String(descriptors(scene.daemon.pid)));
      scene.daemon.signal('SIGHUP');
      await scene.ask('next');
      await delay(moment(scene, 1_000, 5_000));
      await limit('1024');
    },
  },
  {
    name: 'it may have 512 kB more memory (cgroup), and reads its configuration',
    needs: 'cgroup',
    async happen(scene) {
      const release = await limitMemory(scene.daemon.pid, 512 * 1024);
      for (let turn = 0; turn < 5 && scene.daemon.running; turn++) {
        scene.daemon.signal('SIGHUP');
        await delay(300);
      }
      // As whoever watches over it would.
      if (!scene.daemon.running) await scene.startDaemon();
      await release();
    },
  },
];

/** Bounds what a process may take from now on (cgroup v2, Documentation/admin-guide/cgroup-v2.rst). @returns undoes it */
async function limitMemory(pid: number, bytes: number): Promise<() => Promise<void>> {
  const folder = `/tmp/cgroup-${pid}`;
  const sh = (script: string) => exec(['sh', '-ec', script]);
  await sh(`
    mkdir ${folder}; mount -t cgroup2 none ${folder}
    echo +memory >${folder}/cgroup.subtree_control
    mkdir ${folder}/chaos-${pid}; echo ${bytes} >${folder}/chaos-${pid}/memory.max
    echo ${pid} >${folder}/chaos-${pid}/cgroup.procs`);
  return async () => {
    // This shell too, which is in there if the process is its parent.
    await sh(`
      for pid in $$ ${pid}; do ! [ -e /proc/$pid ] || echo $pid >${folder}/cgroup.procs; done
      rmdir ${folder}/chaos-${pid}; umount ${folder}; rmdir ${folder}`);
  };
}

/** Whether this world lets memory be bounded so. */
export async function canLimitMemory(): Promise<boolean> {
  return limitMemory(process.pid, 1 << 30).then(
    async (release) => {
      await release();
      return true;
    },
    () => false,
  );
}
