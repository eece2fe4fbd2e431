import type { CheckedManifest } from '../../src/ci/checks/manifest.ts';

/** docs/owners.md: each group's owner, and the models and exposures that they answer for. */
export function ownersPage({ groups, nodes, exposures }: CheckedManifest): string {
  const models = Object.values(nodes).filter(({ resource_type: kind }) => kind === 'model');
  const sections = Object.values(groups).flatMap((group) => {
    const own = models.filter((model) => model.group === group.name);
    const having = (access: string): string =>
      listed(own.filter((one) => one.access === access).map(({ name }) => name));
    const uses = Object.values(exposures).filter(({ owner }) =>
      emails(owner).some((one) => emails(group.owner).includes(one)),
    );
    return [
      `## ${group.name}`,
      group.description ?? '',
      `**Owner:** ${group.owner.name ?? group.name}, ${emails(group.owner).join(', ')}`,
      `**Public models:** ${having('public')}`,
      `**Protected models:** ${having('protected')}`,
      `**Private models:** ${having('private')}`,
      `**Exposures:** ${listed(uses.map(({ name }) => name))}`,
    ];
  });
  return `${['# Owners', HEAD, ...sections].join('\n\n')}\n`;
}

const HEAD =
  'Whom to ask about a model. Generated from the groups and exposures of the dbt project: edit those instead, then run\n' +
  '`npx vitest run --project e2e cli/test/dbt/conventions.e2e.test.ts -u`.';

const emails = ({ email }: { readonly email?: string | string[] | null | undefined }): string[] => [email ?? []].flat();

const listed = (names: readonly string[]): string =>
  names.length === 0
    ? 'none'
    : [...names]
        .sort()
        .map((name) => `\`${name}\``)
        .join(', ');
