/** What takes long and nobody waits for: incidents and the activity over time, asked of a worker of their own. */
import { Interrupted } from './model/work.js';
import type { Activity, IncidentLine } from './protocol.js';
import type { Screen } from './screen.js';

/** Said with the first screen, until the incidents are found. */
export const FIRST_MESSAGE = 'looking for incidents… · ? help';

export class Background {
  activity: Activity | undefined;
  /** Undefined until they are found. */
  incidents: IncidentLine[] | undefined;
  /** What could not be read while they were looked for. */
  findings: string[] = [];
  /** Why there are none, where they could not be looked for. */
  failure: unknown;
  private found: Promise<void> | undefined;

  constructor(private readonly screen: Screen) {}

  start(): void {
    const client = this.screen.options.background?.();
    if (!client) return;
    const show = <T>(take: (answer: T) => void) => (answer: T): void => {
      take(answer);
      this.screen.redraw();
    };
    const activity = client.ask('transactions.activity').then(show((answer) => (this.activity = answer)));
    const incidents = client.ask('transactions.incidents').then(show((answer) => {
      const { incidents: found, findings } = answer;
      this.incidents = found;
      this.findings = findings;
      if (this.screen.message === FIRST_MESSAGE) this.screen.say(found.length === 0 ? 'no incidents found · ? help' : `${found.length} incident${found.length === 1 ? '' : 's'} found: i lists them · ? help`);
    }));
    this.found = Promise.all([activity, incidents]).then(() => undefined, (error: unknown) => {
      if (!(error instanceof Interrupted)) this.failure = error;
      this.screen.redraw();
    });
  }

  /** Settles once everything is there. */
  async settled(): Promise<void> {
    await this.found;
    if (this.failure !== undefined) throw this.failure;
  }

  /** Incidents in the order of time. */
  inTime(): IncidentLine[] {
    return [...(this.incidents ?? [])].sort((a, b) => a.lsn - b.lsn);
  }
}
