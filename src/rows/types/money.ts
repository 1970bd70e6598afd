/** money in the C locale's form: cash_out(), utils/adt/cash.c, PG 13–18. Other values of lc_monetary are the server's own affair: they are in no file. */
import { bigInt64At } from '../bytes.js';
import type { OutputFunction } from './typeInfo.js';

export const cashOut: OutputFunction = (bytes, at) => {
  const value = bigInt64At(bytes, at);
  const digits = (value < 0n ? -value : value).toString().padStart(3, '0');
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${value < 0n ? '-' : ''}$${whole}.${digits.slice(-2)}`;
};
