/** Every kind of transaction that is hard to revert, on all majors. */
import { PG_MAJORS } from '../../src/pg/version.js';
import { undoCases } from '../support/undoCases.js';

for (const major of PG_MAJORS) undoCases(major);
