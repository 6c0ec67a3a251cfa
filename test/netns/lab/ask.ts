/** A program that asks a DNS server: a line `SERVER TYPE NAME` in, a line with the answer or the error out. */
import { Resolver } from 'node:dns/promises';
import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) {
  const [server = '', type = '', name = ''] = line.split(' ');
  const resolver = new Resolver({ timeout: 1_500, tries: 1 });
  resolver.setServers([server]);
  const answer = await (type === 'AAAA' ? resolver.resolve6(name) : resolver.resolve4(name)).then(
    (addresses) => addresses.sort().join(' '),
    (error) => error.code,
  );
  process.stdout.write(`${answer}\n`);
}
