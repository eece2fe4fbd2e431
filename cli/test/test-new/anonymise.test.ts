import { describe, expect, test } from 'vitest';
import { anonymise } from '../../src/test-new/anonymise.ts';
import type { Cell } from '../../src/warehouse/warehouse.ts';

const table = (columns: string[], ...rows: Cell[][]) => ({
  columns: columns.map((name) => ({ name, type: 'VARCHAR' })),
  rows,
});

describe('personal values', () => {
  test('are replaced, the same one by the same one in all inputs', () => {
    const [groups, events] = anonymise(
      [
        table(
          ['group_id', 'group_name', 'description', 'link', 'city'],
          [7, 'Ann’s', '<b>Ann</b>', 'https://ann.nl', 'Gent'],
        ),
        table(['group_name', 'hometown'], ['Bob’s', 'Delft'], ['Ann’s', null]),
      ],
      'texts',
    );
    expect(groups?.rows).toEqual([[7, 'Group 1', 'Description 1', 'https://example.com/1', 'Gent']]);
    expect(events?.rows).toEqual([
      ['Group 2', 'Hometown 1'],
      ['Group 1', null],
    ]);
  });

  test('are members’ ids too, which stay in order, also inside of lists', () => {
    const list = [
      { user_id: 950, response: 'yes' },
      { user_id: 30, response: 'no' },
    ];
    const [events, members] = anonymise(
      [table(['rsvps'], [list]), table(['user_id'], [400], [950])],
      'texts and members',
    );
    expect(events?.rows).toEqual([
      [
        [
          { user_id: 3, response: 'yes' },
          { user_id: 1, response: 'no' },
        ],
      ],
    ]);
    expect(members?.rows).toEqual([[2], [3]]);
  });

  test('are keys that are made of members’ ids', () => {
    const [rows] = anonymise([table(['membership_key', 'event_key'], ['5e…', 'a1…'])], 'texts and members');
    expect(rows?.rows).toEqual([['Membership 1', 'a1…']]);
  });

  test('are no topics', () => {
    const [rows] = anonymise([table(['topic_name'], ['Data'])], 'texts and members');
    expect(rows?.rows).toEqual([['Data']]);
  });
});
