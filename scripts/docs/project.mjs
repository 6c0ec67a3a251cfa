// A project of TypeScript as its compiler reads it. All that we use of the compiler's unstable API to get there.
import { API } from 'typescript/unstable/sync';
import { root } from '../setup/paths.mjs';

/**
 * @template T
 * @param {string} config the path of its tsconfig.json
 * @param {(project: import('typescript/unstable/sync').Project) => T} act what it is opened for; its nodes can be used afterwards, too
 * @returns {T}
 */
export function withProject(config, act) {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProject: config }).getProjects();
    if (project === undefined) throw new Error(`${config} cannot be opened`);
    return act(project);
  } finally {
    api.close();
  }
}
