/** The newest major here, the others in test/long. */
import { goneTruth } from '../support/goneTruth.js';

goneTruth(18);
