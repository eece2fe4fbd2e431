import { expect, it } from 'vitest';
import { dropBranches } from '../../src/branches/drop.ts';
import { type BranchEntry, branchesIn, isExpired } from '../../src/branches/records.ts';
import { MeetupError } from '../../src/config/errors.ts';
import { remoteAnswering } from '../deploy/fake-target.ts';
import { quietEffects } from '../support/effects.ts';

const entry = (branch: string, event: BranchEntry['event'], details: BranchEntry['details'] = {}): BranchEntry => ({
  branch,
  event,
  at: '2026-11-30 08:00:00',
  who: 'somebody',
  commit: null,
  details,
});
const begun = (branch: string, more: BranchEntry['details'] = {}): BranchEntry =>
  entry(branch, 'begun', {
    project: 'shop',
    expiresAt: '2026-12-07T08:00:00Z',
    schemas: [`marts__branch_${branch}`],
    ...more,
  });

it('what is about to be built again no longer counts as built', () => {
  const [branch] = branchesIn([
    begun('a'),
    entry('a', 'built', { keys: { one: '1', two: '2' } }),
    begun('a', { stale: ['two'], schemas: ['staging__branch_a'] }),
  ]);
  expect(branch).toMatchObject({ status: 'building', keys: { one: '1' } });
  expect(branch?.schemas).toEqual(['marts__branch_a', 'staging__branch_a']);
});

it('a branch that was dropped is gone, also if its process still records something', () => {
  expect(branchesIn([begun('a'), entry('a', 'dropped'), entry('a', 'finished')])).toEqual([]);
});

it('a branch with failures is not built', () => {
  expect(branchesIn([begun('a'), entry('a', 'finished', { failed: ['orders'] })])[0]?.status).toBe('failed');
  expect(branchesIn([begun('a'), entry('a', 'finished', { failed: [], bytes: 7 })])[0]).toMatchObject({
    status: 'built',
    bytes: 7,
  });
});

it('a branch lives until its time is over', () => {
  const [branch] = branchesIn([begun('a')]);
  expect(branch && isExpired(branch, Date.parse('2026-12-07T07:59:59Z'))).toBe(false);
  expect(branch && isExpired(branch, Date.parse('2026-12-07T08:00:00Z'))).toBe(true);
});

it("dropping expired branches leaves other projects' branches, and schemas that are no branch's", async () => {
  const statements: string[] = [];
  const row = ({ details, ...rest }: BranchEntry) => ({ ...rest, details: JSON.stringify(details) });
  const remote = remoteAnswering(async (sql) => {
    statements.push(sql);
    if (!sql.startsWith('select')) return [];
    return [
      row(
        begun('old', {
          expiresAt: '2026-11-01T00:00:00Z',
          schemas: ['marts__branch_old', 'marts', 'marts__branch_older'],
        }),
      ),
      row(begun('young', { expiresAt: '2999-01-01T00:00:00Z' })),
      row(begun('theirs', { expiresAt: '2026-11-01T00:00:00Z', project: 'garden' })),
    ];
  });
  const effects = quietEffects({ clock: { now: () => Date.parse('2026-11-30T00:00:00Z'), elapsed: () => 0 } });
  expect(await dropBranches(remote, 'shop', effects)).toEqual(['old']);
  expect(statements.filter((sql) => sql.startsWith('drop'))).toEqual([
    'drop schema if exists `main`.`marts__branch_old` cascade',
  ]);
});

it('a branch that cannot be dropped does not keep the others from it, and its time is over', async () => {
  const row = ({ details, ...rest }: BranchEntry) => ({ ...rest, details: JSON.stringify(details) });
  const written: string[] = [];
  const remote = remoteAnswering(async (sql) => {
    const inserted = /^insert into \S+ select '(\w+)', '(\w+)'/.exec(sql);
    if (inserted !== null) written.push(`${inserted[1]} ${inserted[2]}`);
    if (sql.startsWith('select')) return [row(begun('mine')), row(begun('someones')), row(begun('third'))];
    if (sql.startsWith('drop') && sql.includes('someones')) throw new MeetupError('PERMISSION_DENIED\nat line 1');
    return [];
  });
  const effects = quietEffects();
  expect(await dropBranches(remote, 'shop', effects, 'all')).toEqual(['mine', 'third']);
  expect(effects.warnings).toEqual([
    'The branch someones could not be dropped (PERMISSION_DENIED): the next command tries again.',
  ]);
  expect(written.filter((entry) => entry.startsWith('someones'))).toEqual(['someones expired']);
  const [someones] = branchesIn([
    begun('someones'),
    entry('someones', 'expired', { expiresAt: '2026-12-01T00:00:00Z' }),
  ]);
  expect(someones && isExpired(someones, Date.parse('2026-12-01T00:00:01Z'))).toBe(true);
});
