import { z } from 'zod';

/** The rules of `meetup ci --only checks`, in the order in which they are reported. */
export const checkRules = {
  descriptions: 'Every model has a description that can be understood on its own.',
  grain: 'Every description of a model says what one row is: "One row per …".',
  columns: 'Every model describes its columns, each so that it can be understood on its own.',
  owner: 'Every model belongs to a group whose owner has an email address.',
  key_test: 'Every model has a test that its key is unique.',
  unit_test: 'Every public model has a unit test.',
  contract: 'Every public model has an enforced contract with a type for each column.',
  exposures: 'Exposures depend only on public models, and a public model that no model reads is in an exposure.',
  layers: 'Staging models read only sources, and intermediate models read no marts.',
  personal: 'No column that is marked as personal reaches a public model under its name.',
} as const;

export type RuleName = keyof typeof checkRules;
export const ruleNames = [
  'descriptions',
  'grain',
  'columns',
  'owner',
  'key_test',
  'unit_test',
  'contract',
  'exposures',
  'layers',
  'personal',
] as const satisfies readonly RuleName[];

const severity = z.enum(['error', 'warn', 'off']);
export type Severity = z.infer<typeof severity>;

const options = {
  severity: severity.optional().describe('How a finding counts: error, warn or off.'),
  exclude: z
    .array(z.string().min(1))
    .optional()
    .describe('Names of models that the rule leaves out; * stands for any text.'),
};

const oneOf = { error: () => 'expected error, warn or off, or an object with a severity' };

const rule = (about: string) =>
  z
    .union([severity, z.strictObject(options)], oneOf)
    .optional()
    .describe(about);

const shared = z
  .array(z.string().min(1))
  .optional()
  .describe('Folders of marts that intermediate models may read, such as marts/core.');

/** The section `checks` of `meetup.yml`. */
export const checksSchema = z
  .strictObject({
    descriptions: rule(checkRules.descriptions),
    grain: rule(checkRules.grain),
    columns: rule(checkRules.columns),
    owner: rule(checkRules.owner),
    key_test: rule(checkRules.key_test),
    unit_test: rule(checkRules.unit_test),
    contract: rule(checkRules.contract),
    exposures: rule(checkRules.exposures),
    layers: z
      .union([severity, z.strictObject({ ...options, shared })], oneOf)
      .optional()
      .describe(checkRules.layers),
    personal: rule(checkRules.personal),
  })
  .describe('The conventions that `meetup ci` checks: error, warn or off for each rule.');

export type CheckSettings = z.infer<typeof checksSchema>;

/** Without settings a finding is a warning, and rules that are a matter of taste are off. */
const defaults: Readonly<Record<RuleName, Severity>> = {
  descriptions: 'warn',
  grain: 'off',
  columns: 'off',
  owner: 'off',
  key_test: 'warn',
  unit_test: 'off',
  contract: 'warn',
  exposures: 'off',
  layers: 'warn',
  personal: 'warn',
};

export interface RuleSetting {
  readonly severity: Severity;
  readonly exclude: readonly string[];
}

/** The folders of marts that intermediate models may read. */
export const sharedMarts = ({ layers }: CheckSettings = {}): readonly string[] =>
  typeof layers === 'object' ? (layers.shared ?? []) : [];

/** How a rule applies to a project. */
export function ruleSetting(settings: CheckSettings | undefined, name: RuleName): RuleSetting {
  const given = settings?.[name];
  if (typeof given === 'string') return { severity: given, exclude: [] };
  return { severity: given?.severity ?? defaults[name], exclude: given?.exclude ?? [] };
}
