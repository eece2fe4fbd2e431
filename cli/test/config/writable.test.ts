import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requireWritable } from '../../src/config/atomic-file.ts';
import { temporaryFolder } from '../support/effects.ts';

it('a report may be written into a folder that does not exist yet, and over an earlier one', async () => {
  const folder = await temporaryFolder();
  await requireWritable(join(folder, 'new', 'report.md'), '--markdown');
  await writeFile(join(folder, 'new', 'report.md'), 'earlier');
  await requireWritable(join(folder, 'new', 'report.md'), '--markdown');
});

it('a report that cannot be written is refused before the work', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'reports'));
  await writeFile(join(folder, 'file'), '');
  await expect(requireWritable(join(folder, 'reports'), '--markdown')).rejects.toThrow(
    `${join(folder, 'reports')} is a folder: choose another --markdown.`,
  );
  await expect(requireWritable(join(folder, 'file', 'report.md'), '--summary')).rejects.toThrow(
    /report\.md can't be written \(.+\): choose another --summary\./,
  );
});
