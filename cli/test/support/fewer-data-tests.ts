import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isScalar, isSeq, type Node, parseDocument, visit, type YAMLSeq } from 'yaml';
import { sampled } from './sampled.ts';

/** A data test of a dbt project, and how to remove it. */
interface DataTest {
  remove(): Promise<void> | void;
}

/**
 * Removes the data tests of a copied dbt project except a sample of this size: each is a statement, and together they are most of
 * what a deployment runs. MEETUP_ALL_CASES=1 keeps them all. @returns how many are left.
 */
export async function keepSomeDataTests(dbtProject: string, size: number): Promise<number> {
  const places = (await readdir(dbtProject, { recursive: true })).sort();
  const files = await Promise.all(
    places.filter((place) => place.endsWith('.yml')).map((place) => readYaml(join(dbtProject, place))),
  );
  const inYaml = files.flatMap(({ root }) => genericTests(root));
  const inSql = places
    .filter((place) => /^tests\/(?!generic\/).*\.sql$/.test(place.replaceAll('\\', '/')))
    .map((place) => singularTest(join(dbtProject, place), files));
  const all: DataTest[] = [...inYaml, ...inSql];
  const kept = new Set(sampled(all, size));
  for (const test of all) if (!kept.has(test)) await test.remove();
  for (const { path, document } of files) await writeFile(path, document.toString());
  return kept.size;
}

async function readYaml(path: string) {
  const document = parseDocument(await readFile(path, 'utf8'));
  return { path, document, root: document.contents };
}

/** The generic tests of models, sources and columns. The list at the top of a file only describes singular tests. */
function genericTests(root: Node | null): DataTest[] {
  const lists: YAMLSeq[] = [];
  visit(root, {
    Pair: (_, { key, value }, path) => {
      if (path.length > 1 && isScalar(key) && key.value === 'data_tests' && isSeq(value)) lists.push(value);
    },
  });
  return lists.flatMap((list) =>
    [...list.items].map((item) => ({
      remove: () => {
        list.items.splice(list.items.indexOf(item), 1);
      },
    })),
  );
}

function singularTest(path: string, files: readonly { root: Node | null }[]): DataTest {
  const name = /([^/\\]+)\.sql$/.exec(path)?.[1];
  return {
    remove: async () => {
      await rm(path);
      for (const { root } of files) {
        const described = isMap(root) ? root.get('data_tests') : undefined;
        if (isSeq(described))
          described.items = described.items.filter((item) => !isMap(item) || item.get('name') !== name);
      }
    },
  };
}
