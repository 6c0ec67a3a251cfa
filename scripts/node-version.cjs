// Loaded before every script (node -r), in what Node 12 can read: says that this Node is too old, instead of a stack trace.
var major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  process.stderr.write(
    'This needs Node 20 or newer, and ' +
      process.execPath +
      ' is ' +
      process.version +
      '.\n' +
      'Debian 13 has one (apt-get install nodejs). Everywhere npm lends one, and installs nothing:\n' +
      '  npx --package=node@22 npm ' +
      (process.env.npm_lifecycle_event ? `run ${process.env.npm_lifecycle_event}` : 'test') +
      '\n',
  );
  process.exit(1);
}
