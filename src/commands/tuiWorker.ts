/** The thread in which walscope tui reads: opens the case and answers the screen's questions. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { explainFsError } from '../layerfile/durable.js';
import { Session } from '../query/session.js';
import { openCase } from '../store/openCase.js';
import { Model } from '../tui/model/model.js';
import { serve } from '../tui/model/serve.js';
import type { Files } from '../tui/model/exports.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { zoneOf } from './context.js';

export interface TuiWorkerData {
  caseDir: string;
  zone: string | undefined;
  stop: SharedArrayBuffer;
  /** Nobody waits for its answers: it gives way to the other threads. */
  isBackground: boolean;
}

const POLITE_PRIORITY = 5;

const { caseDir, zone, stop, isBackground } = workerData as TuiWorkerData;
// on Linux this holds for the calling thread alone; elsewhere it would slow the screen down
if (isBackground && process.platform === 'linux') os.setPriority(POLITE_PRIORITY);

const files: Files = {
  create(name, charset) {
    const file = path.resolve(name);
    let fd: number;
    try {
      fd = fs.openSync(file, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new WalscopeError('export.exists', `${file} exists already`, { exitCode: ExitCode.usage, hint: 'choose another name' });
      throw explainFsError(error, file);
    }
    let pending = '';
    const flush = (): void => {
      try {
        fs.writeSync(fd, Buffer.from(pending, charset));
      } catch (error) {
        throw explainFsError(error, file);
      }
      pending = '';
    };
    return {
      path: file,
      write(text) {
        pending += text;
        if (pending.length >= 64 * 1024) flush();
      },
      close() {
        flush();
        fs.closeSync(fd);
      },
      discard() {
        fs.closeSync(fd);
        fs.rmSync(file);
      },
    };
  },
};

serve(parentPort!, new Int32Array(stop), (work) => new Model(new Session(openCase(caseDir, { onRead: work.check }), zoneOf({ tz: zone })), work, files));
