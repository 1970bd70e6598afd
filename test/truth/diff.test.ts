import { diffTruth } from '../support/diffTruth.js';

for (const major of [13, 15, 18] as const) diffTruth(major, 14);
