// The program as one script (scripts/bundle.mjs), which V8 need not compile: the build has left beside it what V8 made of it.
'use strict';
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const dist = path.join(__dirname, '..', 'dist');
const file = path.join(dist, 'walscope.cjs');

/** Where what V8 made of the script lies. V8 refuses what another version of it wrote, and compiles the script as any other. */
exports.CODE_CACHE = `${file}.cache`;

/** The script, run, and its exports; undefined where there is none, or dist/ was written by a plain tsc since. */
exports.loadJoined = () => {
  const built = fs.statSync(file, { throwIfNoEntry: false });
  if (!built || fs.statSync(path.join(dist, 'commands', 'asof.js')).mtimeMs > built.mtimeMs) return undefined;
  const cachedData = fs.existsSync(exports.CODE_CACHE) ? fs.readFileSync(exports.CODE_CACHE) : undefined;
  // the script is ASCII
  const script = new vm.Script(fs.readFileSync(file, 'latin1'), { filename: file, cachedData });
  const module = { exports: {} };
  script.runInThisContext()(module, module.exports, createRequire(file));
  return { script, exports: module.exports };
};
