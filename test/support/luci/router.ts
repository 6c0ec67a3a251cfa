/** Routers for tests of LuCI's pages: a configuration, and the daemon's own methods behind ubus. */
import { parseUci } from '../../../src/config/index.js';
import { methodsOf } from '../../../src/daemon/methods.js';
import { toJson } from '../../../src/json.js';
import { STATUSES, UbusError } from '../../../src/ubus/index.js';
import { FakeOwner, type FakeService } from '../fake-service.js';
import type { Router, UciConfig } from './page.js';

const PREFIX = 'wgpeerselector.';

/** A text of /etc/config as rpcd gives it to LuCI. */
export function uciConfig(text: string): UciConfig {
  return Object.fromEntries(
    parseUci(text).sections.map(({ name, type, options }) => [
      name,
      { type, options: Object.fromEntries([...options].map(([option, { value }]) => [option, value])) },
    ]),
  );
}

/**
 * A router whose daemon serves the interfaces of the services.
 * @param uci texts of /etc/config, by their files
 */
export function routerOf(
  services: readonly FakeService[],
  uci: Readonly<Record<string, string>> = {},
  readonly = false,
): Router {
  const texts = { wgpeerselector: '', network: '', ...uci };
  return {
    uci: Object.fromEntries(Object.entries(texts).map(([file, text]) => [file, uciConfig(text)])),
    readonly,
    objects: () => services.map(({ name }) => `${PREFIX}${name}`),
    call: async (object, method, args) => {
      const service = services.find(({ name }) => `${PREFIX}${name}` === object);
      if (service === undefined) return [STATUSES.indexOf('NOT_FOUND')];
      const called = methodsOf(service, new FakeOwner())[method];
      if (called === undefined) return [STATUSES.indexOf('METHOD_NOT_FOUND')];
      try {
        const table = await called.call(args as Readonly<Record<string, string>>);
        return table === undefined ? [0] : [0, JSON.parse(toJson(table))];
      } catch (error) {
        if (!(error instanceof UbusError)) throw error;
        return [error.code, { message: error.message }];
      }
    },
  };
}
