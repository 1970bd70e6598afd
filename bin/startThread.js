// Starts a thread of `walscope index --jobs`. It keeps nothing waiting: one that gets no work goes with the process.
'use strict';
const path = require('node:path');
const { Worker } = require('node:worker_threads');

/** The thread, what it failed of and that it ended, even if that was before anybody asked. */
exports.startThread = () => {
  const worker = new Worker(path.join(__dirname, 'indexWorker.js'));
  worker.unref();
  return { worker, failure: new Promise((resolve) => worker.once('error', resolve)), exit: new Promise((resolve) => worker.once('exit', () => resolve())) };
};
