#!/usr/bin/env node
'use strict';
const { loadJoined } = require('./joined.js');

// the screen's packages are modules that wait while they load: not to be had from a script
const joined = process.argv.includes('tui') ? undefined : loadJoined();
(joined ? Promise.resolve(joined.exports) : import('../dist/commands/main.js')).then(async ({ main }) => {
  process.exitCode = await main(process.argv);
});
