import { undoTruth } from '../support/undoTruth.js';

// rows without a key, out of line, a table emptied and filled; and the disaster
undoTruth(15, 2, [1, 3, 6]);
undoTruth(18, 1, [1, 3, 6]);
