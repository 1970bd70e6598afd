import { undoCases } from '../support/undoCases.js';

undoCases(14, [
  'unique values move down by one', 'two rows swap unique values', 'unique values go to a new row and an old one', 'ranges under an exclusion constraint change places', 'a deleted parent sets its children to NULL',
  'children move to a new parent, ON DELETE CASCADE', 'a new node between a node and its children', 'a parent without primary key', 'referred values swapped, ON UPDATE CASCADE', 'triggers that fire always, in replication, never',
  'rules that do nothing instead', 'an identity column that is not the key', 'a trigger of a partitioned table', 'foreign keys to and from partitioned tables', 'emptied tables, one filled again', 'types without a key',
]);
