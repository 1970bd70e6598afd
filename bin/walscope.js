#!/usr/bin/env node
'use strict';
const { availableParallelism } = require('node:os');

const { argv } = process;
// a thread of index takes as long to start as the program: at the same time, then
const threads = argv[2] === 'index' && availableParallelism() > 1 && !/ --jobs[= ]1( |$)/.test(argv.join(' ')) ? [require('./startThread.js').startThread()] : [];

const { loadJoined } = require('./joined.js');
// the screen's packages are modules that wait while they load: not to be had from a script
const joined = argv.includes('tui') ? undefined : loadJoined();
(joined ? Promise.resolve(joined.exports) : import('../dist/commands/main.js')).then(async ({ main }) => {
  process.exitCode = await main(argv, threads);
});
