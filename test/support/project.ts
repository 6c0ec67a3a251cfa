/** A project of somebody's that has our package as it would be published, from the tarball that npm packs of the built checkout. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { root } from './documents.js';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

export const manifest: Manifest = JSON.parse(await readFile(`${root}package.json`, 'utf8'));
/** The name of the file that npm packs. */
export const tarball = `${manifest.name}-${manifest.version}.tgz`;

/** An empty folder into which the tarball was installed by npm, without a registry. */
export class Project {
  readonly folder: string;
  /** What was installed. */
  readonly package: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.package = `${folder}/node_modules/${manifest.name}`;
  }

  static async create(): Promise<Project> {
    const project = new Project(await mkdtemp(`${tmpdir()}/wgps-project-`));
    const { folder } = project;
    await mkdir(`${folder}/packed`);
    // Without scripts: dist is there, and the tests that run beside this one need it as it is.
    for (const each of [root, `${root}node_modules/ipaddr.js`])
      project.run('npm', 'pack', '--ignore-scripts', '--pack-destination', `${folder}/packed`, each);
    const tarballs = (await readdir(`${folder}/packed`)).map((name) => `./packed/${name}`);
    project.run('npm', 'install', '--omit=optional', '--no-audit', '--no-fund', ...tarballs);
    return project;
  }

  /** Another with the package as it is where there was no compiler, and with the npm package `netlink`, which is for that. */
  async withoutCompiler(): Promise<Project> {
    const bare = new Project(await mkdtemp(`${tmpdir()}/wgps-project-`));
    await cp(this.folder, bare.folder, { recursive: true, verbatimSymlinks: true });
    for (const part of ['native', 'bundle/native.node'])
      await rm(`${bare.package}/dist/${part}`, { recursive: true });
    await symlink(`${root}node_modules/netlink`, `${bare.folder}/node_modules/netlink`);
    return bare;
  }

  /** The tarball. */
  get tarball(): string {
    return `${this.folder}/packed/${tarball}`;
  }

  /** Runs a program in the folder; gives what it wrote to standard output. @throws if it fails */
  run(...argv: readonly string[]): string {
    const [program = '', ...args] = argv;
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: this.folder,
      encoding: 'utf8',
      env: { ...process.env, npm_config_cache: `${this.folder}/cache`, npm_config_offline: 'true' },
    });
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
