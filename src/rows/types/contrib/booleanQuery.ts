/** The infix printer that ltxtquery and query_int share: infix(), contrib/ltree/ltxtquery_io.c and contrib/intarray/_int_bool.c, PG 13–18. */
import { int16At, int32At } from '../../bytes.js';
import { valueError } from '../valueError.js';

const OPR = 3;

/** Operators come before their right operand, and that before the left one, walking the items in steps of `direction`. */
export class BooleanQueryPrinter {
  private left: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly typeName: string,
    /** The item to begin with; each begins with a 16-bit type, its operator is 4 bytes further. */
    private itemAt: number,
    private readonly itemSize: number,
    private readonly direction: 1 | -1,
    count: number,
    private readonly operand: (itemAt: number) => string,
  ) {
    this.left = count;
  }

  print(isFirst: boolean): string {
    const at = this.take();
    if (int16At(this.bytes, at) !== OPR) return this.operand(at);
    const operator = String.fromCharCode(int32At(this.bytes, at + 4));
    if (operator === '!') {
      const isOperator = this.left > 0 && int16At(this.bytes, this.itemAt) === OPR;
      return isOperator ? `!( ${this.print(true)} )` : `!${this.print(false)}`;
    }
    const right = this.print(false);
    const text = `${this.print(false)} ${operator} ${right}`;
    return operator === '|' && !isFirst ? `( ${text} )` : text;
  }

  private take(): number {
    if (this.left-- <= 0) throw valueError(this.typeName, 'an operator lacks an operand');
    const at = this.itemAt;
    this.itemAt += this.itemSize * this.direction;
    return at;
  }
}
