// A thread of `walscope index --jobs`.
'use strict';
const { loadJoined } = require('./joined.js');

const joined = loadJoined();
if (joined) joined.exports.indexWorker();
else import('../dist/store/indexWorker.js');
