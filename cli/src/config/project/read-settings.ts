import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { hasCode, MeetupError } from '../errors.ts';
import { fileProblem } from '../file-errors.ts';
import { SETTINGS_FILE, type Settings, settingsSchema } from './settings.ts';

type Key = readonly PropertyKey[];

/**
 * Reads `meetup.yml` in a folder.
 * @returns no settings if there is no such file.
 * @throws MeetupError with file and line if it is not YAML, has an unknown key or a wrong value, or names a missing file.
 */
export function readSettings(root: string): Settings {
  const file = join(root, SETTINGS_FILE);
  const text = textOf(file);
  if (text === undefined) return {};
  const { document, lineAt } = documentOf(text);
  const refuse = (key: Key, why: string): MeetupError =>
    new MeetupError(`${file}:${lineAt(offsetOf(document, key))}: ${why}`);
  const [error] = document.errors;
  if (error !== undefined) {
    const message = (error.message.split('\n')[0] ?? '').replace(/[.:]$/, '');
    throw new MeetupError(`${file}:${lineAt(error.pos[0])}: not valid YAML: ${message}.`, { cause: error });
  }
  const parsed = settingsSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success) throw faultOf(parsed.error, refuse);
  requireFiles(parsed.data, root, refuse);
  return parsed.data;
}

/** An error about a setting that only turns out to be wrong when it is used, with its file and line. */
export function wrongSetting(root: string, key: Key, why: string): MeetupError {
  const file = join(root, SETTINGS_FILE);
  const { document, lineAt } = documentOf(textOf(file) ?? '');
  return new MeetupError(`${file}:${lineAt(offsetOf(document, key))}: ${why}`);
}

function documentOf(text: string) {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  return { document, lineAt: (offset: number): number => lines.linePos(offset).line };
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw fileProblem(error, file);
  }
}

/** The first fault, in words. */
function faultOf({ issues }: z.ZodError, refuse: (key: Key, why: string) => MeetupError): MeetupError {
  const [issue] = issues;
  if (issue === undefined) return refuse([], 'it is invalid.');
  const name = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const [unknown = ''] = issue.keys;
    const full = name === '' ? unknown : `${name}.${unknown}`;
    return refuse([...issue.path, unknown], `there is no setting '${full}': correct the name, or remove it.`);
  }
  const why = issue.message.replace(/^Invalid input: /, '').replace(/^./, (letter) => letter.toLowerCase());
  return refuse(issue.path, `${name === '' ? 'the file' : name}: ${why}.`);
}

/** Checks that paths exist, because a wrong one would otherwise be noticed late or never. */
function requireFiles(settings: Settings, root: string, refuse: (key: Key, why: string) => MeetupError): void {
  const { dbt, dev } = settings;
  const inFolder = (key: Key, folder: string | undefined, name: string): void => {
    if (folder === undefined || existsSync(resolve(root, folder, name))) return;
    throw refuse(key, `${key.join('.')} is ${folder}, but there is no ${name} in ${resolve(root, folder)}.`);
  };
  inFolder(['dbt', 'project'], dbt?.project, 'dbt_project.yml');
  inFolder(['dbt', 'profiles'], dbt?.profiles, 'profiles.yml');
  for (const list of ['show', 'warn'] as const) {
    for (const [at, file] of (dev?.[list] ?? []).entries()) {
      if (existsSync(resolve(root, file))) continue;
      throw refuse(['dev', list, at], `dev.${list} names ${file}, but there is no file ${resolve(root, file)}.`);
    }
  }
}

/** The offset of a key in the text, or of the innermost existing part of its path. */
function offsetOf(document: Document.Parsed, key: Key): number {
  for (let length = key.length; length > 0; length -= 1) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(key.slice(0, length - 1), true);
    const last = key[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(last));
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
    }
    const node: unknown = document.getIn(key.slice(0, length), true);
    if (isScalar(node) || isMap(node)) return node.range?.[0] ?? 0;
  }
  return document.contents?.range[0] ?? 0;
}
