import { homedir } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import type { Paths } from '../config/paths.ts';

/** Names of variables whose values are secret. */
const SECRET = /TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE|API_?KEY/i;

/** Shorter values would match ordinary words. */
const SHORTEST_SECRET = 8;

/** A text that is safe to publish: without colours, secrets of the environment or folders of this machine. */
export function publicText(
  text: string,
  paths: Pick<Paths, 'root' | 'state' | 'toolchain'>,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const secrets = Object.entries(env).flatMap(([name, value]) =>
    SECRET.test(name) && value !== undefined && value.length >= SHORTEST_SECRET ? [value] : [],
  );
  const replacements: [string, string][] = [
    ...secrets.map((secret): [string, string] => [secret, '***']),
    // The longer path first, because the state folder is usually inside the project.
    [paths.toolchain, '(toolchain)'],
    [paths.state, '(state)'],
    [`${paths.root}/`, ''],
    [paths.root, '.'],
    [homedir(), '~'],
  ];
  return replacements
    .filter(([from]) => from.length > 1)
    .reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), stripVTControlCharacters(text));
}
