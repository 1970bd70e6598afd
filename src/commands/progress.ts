/** A progress bar on stderr for anything over a second; lines instead where stderr is no terminal and they were asked for. */
import cliProgress from 'cli-progress';

const FIRST_AFTER_MS = 1000;
const LINE_EVERY_MS = 5000;

export class Progress {
  private readonly started = Date.now();
  private bar: cliProgress.SingleBar | undefined;
  private lastLine = -LINE_EVERY_MS;

  constructor(private readonly what: string, private readonly options: { lines: boolean }) {}

  /** `share`: 0 to 1. */
  show(share: number, detail: string): void {
    const elapsed = Date.now() - this.started;
    if (process.stderr.isTTY) {
      if (elapsed < FIRST_AFTER_MS) return;
      this.bar ??= this.startBar();
      this.bar.update(Math.floor(share * 1000), { detail });
    } else if (this.options.lines && elapsed - this.lastLine >= LINE_EVERY_MS) {
      this.lastLine = elapsed;
      process.stderr.write(`${this.what}: ${Math.floor(share * 100)} % · ${detail}\n`);
    }
  }

  private startBar(): cliProgress.SingleBar {
    const bar = new cliProgress.SingleBar({ format: `${this.what} {bar} {percentage} % · {detail} · {eta_formatted} left`, hideCursor: true, clearOnComplete: true }, cliProgress.Presets.shades_classic);
    bar.start(1000, 0, { detail: '' });
    return bar;
  }

  end(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
