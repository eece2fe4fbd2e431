import type { RuleName } from '../../config/project/check-settings.ts';
import type { LineageGraph } from '../../lineage/graph.ts';
import type { CheckedManifest, CheckedNode } from './manifest.ts';
import { personalColumns } from './personal.ts';

/** What a rule found: a model or exposure, and what to do about it. */
export interface Breach {
  /** The model, or the exposure. */
  readonly name: string;
  readonly node: Pick<CheckedNode, 'original_file_path' | 'patch_path'>;
  readonly column?: string;
  readonly message: string;
}

/** What the rules look at. */
export interface Checked {
  readonly manifest: CheckedManifest;
  /** The models of the project itself, without those of packages. */
  readonly models: readonly CheckedNode[];
  /** `personal` of meetup.yml, by lower-case `<table>.<column>`. */
  readonly personal: ReadonlyMap<string, boolean>;
  /** The lineage of columns; undefined if nothing is declared personal, or if it could not be read. */
  readonly lineage?: LineageGraph | undefined;
  /** Folders of marts that intermediate models may read. */
  readonly sharedMarts: readonly string[];
}

type Rule = (checked: Checked) => Breach[];

/** Words that send the reader elsewhere: a catalog shows a description alone. */
const LEANS_ON_ANOTHER =
  /\b(see (above|below)|same as (above|below|in|for)|as (above|below)|ditto|idem)\b|\b(as|like) in \w*_\w+/i;

const isPublic = ({ access }: CheckedNode): boolean => access === 'public';
const on = (node: CheckedNode, message: string, column?: string): Breach => ({
  name: node.name,
  node,
  message,
  ...(column === undefined ? {} : { column }),
});

/** What is wrong with a description; undefined if nothing is. */
function faultOf(description: string): string | undefined {
  if (description.trim() === '') return 'has no description: write one.';
  const [words] = LEANS_ON_ANOTHER.exec(description) ?? [];
  return words === undefined
    ? undefined
    : `has a description that leans on another ('${words}'): write it so that it stands alone.`;
}

const descriptions: Rule = ({ models }) =>
  models.flatMap((model) => {
    const fault = faultOf(model.description);
    return fault === undefined ? [] : [on(model, fault)];
  });

const grain: Rule = ({ models }) =>
  models
    .filter(({ description }) => !/\bone row\b/i.test(description))
    .map((model) => on(model, 'does not state its grain: let its description say "One row per …".'));

const columns: Rule = ({ models }) =>
  models.flatMap((model) => {
    const described = Object.values(model.columns);
    if (described.length === 0) return [on(model, 'describes no columns: list them in its YAML file.')];
    return described.flatMap(({ name, description }) => {
      const fault = faultOf(description);
      return fault === undefined ? [] : [on(model, fault, name)];
    });
  });

const owner: Rule = ({ manifest, models }) => {
  const owned = new Set(
    Object.values(manifest.groups)
      .filter((group) => (group.owner.email ?? '').length > 0)
      .map((group) => group.name),
  );
  return models
    .filter(({ group }) => !owned.has(group ?? ''))
    .map((model) => on(model, 'has no owner: put it into a group whose owner has an email address.'));
};

const keyTest: Rule = ({ manifest, models }) => {
  const tested = new Set(
    Object.values(manifest.nodes)
      .filter(({ resource_type: kind, test_metadata: test }) => kind === 'test' && /unique/.test(test?.name ?? ''))
      .map(({ attached_node: model }) => model),
  );
  return models
    .filter(({ unique_id: id }) => !tested.has(id))
    .map((model) => on(model, 'has no test of its key: add unique, or a test of a unique combination of columns.'));
};

const unitTest: Rule = ({ manifest, models }) => {
  const tested = new Set(Object.values(manifest.unit_tests).flatMap((test) => test.depends_on.nodes.slice(0, 1)));
  return models
    .filter((model) => isPublic(model) && !tested.has(model.unique_id))
    .map((model) => on(model, 'has no unit test: write one, or let `meetup test new` do so.'));
};

const contract: Rule = ({ models }) =>
  models.filter(isPublic).flatMap((model) => {
    if (model.config.contract?.enforced !== true) {
      return [on(model, 'is public without a contract: set contract.enforced, or change its access.')];
    }
    return Object.values(model.columns)
      .filter(({ data_type: type }) => !type)
      .map(({ name }) => on(model, 'has no data_type: a contract needs one for each column.', name));
  });

const exposures: Rule = ({ manifest, models }) => {
  const own = Object.values(manifest.exposures).filter((one) => one.package_name === manifest.metadata.project_name);
  const used = new Set(own.flatMap((exposure) => exposure.depends_on.nodes));
  const read = new Set(
    Object.values(manifest.nodes)
      .filter(({ resource_type: kind }) => kind === 'model' || kind === 'snapshot')
      .flatMap((node) => node.depends_on.nodes),
  );
  const unused = models.filter((model) => isPublic(model) && !used.has(model.unique_id) && !read.has(model.unique_id));
  return [
    ...own.flatMap((exposure) =>
      exposure.depends_on.nodes
        .map((id) => manifest.nodes[id])
        .filter((node) => node !== undefined && node.resource_type === 'model' && !isPublic(node))
        .map((node) => ({
          name: exposure.name,
          node: { original_file_path: exposure.original_file_path },
          message: `is an exposure of ${node?.name}, which is not public: use a public model, or change its access.`,
        })),
    ),
    ...unused.map((model) => on(model, 'is public, but nothing uses it: name it in an exposure, or remove it.')),
  ];
};

/** A model's layer: the first folder in `models`. */
const layerOf = ({ fqn }: CheckedNode): string => fqn[1] ?? '';

/** A model's folders in `models`, joined by slashes. */
const foldersOf = ({ fqn }: CheckedNode): string => fqn.slice(1, -1).join('/');

const layers: Rule = ({ manifest, models, sharedMarts }) =>
  models.flatMap((model) => {
    const layer = layerOf(model);
    const read = model.depends_on.nodes.map((id) => manifest.nodes[id]).filter((node) => node !== undefined);
    if (layer === 'staging') {
      return read
        .filter((node) => node.resource_type === 'model')
        .map((node) => on(model, `is a staging model that reads ${node.name}: let it read only sources.`));
    }
    if (layer !== 'intermediate') return [];
    return read
      .filter((node) => node.resource_type === 'model' && layerOf(node) === 'marts')
      .filter((node) => !sharedMarts.some((folder) => `${foldersOf(node)}/`.startsWith(`${folder}/`)))
      .map((node) => on(model, `is an intermediate model that reads the mart ${node.name}: turn the two around.`));
  });

const personal: Rule = (checked) =>
  checked.models
    .filter(isPublic)
    .flatMap((model) =>
      personalColumns(model, checked).map(({ column, from }) =>
        on(model, `is personal (${from}): leave it out, or declare \`personal: false\` for it.`, column),
      ),
    );

export const rules: Readonly<Record<RuleName, Rule>> = {
  descriptions,
  grain,
  columns,
  owner,
  key_test: keyTest,
  unit_test: unitTest,
  contract,
  exposures,
  layers,
  personal,
};
