import { transactionTruth } from '../support/transactionTruth.js';

transactionTruth(15, 2);
transactionTruth(18, 1);
