/** The help view: every key, in lines that fit an 80-column terminal's main pane. */
export const HELP_LINES: readonly string[] = [
  'j k ↑ ↓ g G       row, or table        Tab  other pane',
  'ctrl-d ctrl-u     half a page          Enter  open',
  'PgDn PgUp         a page               Esc  back',
  'h l ← →           columns left and right',
  '[ ]   previous, next commit: of the table shown, or of',
  '      all while the list of tables has the focus;',
  '      + ~ - mark the rows that this commit writes',
  't     go to a time, LSN, xid:N, point:NAME, -10m',
  '/     filter rows by an expression, as in WHERE',
  'm     mark A, then B;   d  what changed from A to B',
  's     columns and indexes',
  'x     one row, expanded',
  'c     the command line that gives what is shown',
  'q     back, or quit;    ctrl-c  quit',
  '',
  '✗ dropped later  … not there yet  ∅ NULL  ▲ the moment',
];
