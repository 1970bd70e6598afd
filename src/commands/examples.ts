/** Examples that help texts end with, by command. */
export const EXAMPLES: Record<string, readonly string[]> = {
  index: ['walscope index --backup /backups/base --wal /archive', 'walscope index --backup base.tar.gz --wal /archive -C /cases/friday', 'walscope index --wal-store pack --backup /backups/base --wal /archive', 'walscope index --follow -C /cases/live'],
  status: ['walscope status', 'walscope status --json | jq .coverage'],
  tables: ['walscope tables --at -1h', "walscope tables 'shop.*' --count --at 'point:before_deploy'"],
  asof: [
    "walscope asof orders --at '2026-04-06 10:00:00+02'", "walscope asof shop.orders --at before-xid:812 --where \"status = 'paid' and total > 100\"",
    'walscope asof orders --key 4711 --system -x', 'walscope asof orders --at 0/3A2F10 --format copy -o orders.copy',
  ],
  page: ['walscope page orders 0 --at xid:812', 'walscope page orders_pkey 1 --hex', 'walscope page orders 0 --chain', 'walscope page orders 0 --lsn-diff 0/3A2F10 0/3B0000'],
  diff: ['walscope diff before-xid:812 xid:812 --stat', 'walscope diff -1h latest orders --filter changed --columns status', 'walscope diff earliest latest --json', 'walscope diff --schema -1d latest', 'walscope diff --schema --ddl earliest latest orders'],
  schema: ['walscope schema orders --at before-xid:812', 'walscope schema orders --ddl | psql shop', 'walscope schema --function shop.total_of --at -1d'],
  layers: ['walscope layers', 'walscope layers --records 0/3A2F10..0/3B0000', 'walscope layers --verify', 'walscope layers 0000000008000000-0000000010000000.wal'],
  compact: ['walscope compact', 'walscope compact --pack -C /cases/friday --progress'],
  gc: ['walscope gc --keep 30d --dry-run', 'walscope gc --max-size 50GB'],
  pin: ['walscope pin before_deploy point:before_deploy', "walscope pin audit '2026-03-31 23:59:59+02'"],
  unpin: ['walscope unpin audit'],
  log: ['walscope log --limit 20', 'walscope log --since -1h --table orders', 'walscope log --xid 812'],
  show: ['walscope show 812', 'walscope show 812 --json'],
  incidents: ['walscope incidents', "walscope incidents --since '2026-04-06 08:00:00+02'"],
  tui: ['walscope tui', 'walscope tui --at before-xid:812'],
  verify: ['walscope verify', 'walscope verify --against /backups/later --jobs 8', 'walscope verify --json | jq .differencesTotal'],
  demo: ['walscope demo'],
};
