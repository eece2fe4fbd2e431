import { z } from 'zod';

const filterSchema = z.object({ where_filters: z.array(z.object({ where_sql_template: z.string() })) }).nullish();

const inputSchema = z.object({
  name: z.string(),
  filter: filterSchema,
  alias: z.string().nullish(),
  offset_window: z.unknown().optional(),
  offset_to_grain: z.unknown().optional(),
});
const elementSchema = z.object({
  name: z.string(),
  expr: z.string().nullish(),
  description: z.string().nullish(),
  label: z.string().nullish(),
});

const semanticModelSchema = z.object({
  name: z.string(),
  label: z.string().nullish(),
  description: z.string().nullish(),
  node_relation: z.object({ alias: z.string(), schema_name: z.string() }),
  primary_entity: z.string().nullish(),
  entities: z.array(elementSchema.extend({ type: z.string() })),
  dimensions: z.array(elementSchema),
  measures: z.array(
    elementSchema.extend({
      agg: z.string(),
      agg_params: z
        .object({ percentile: z.number().nullish(), use_discrete_percentile: z.boolean().nullish() })
        .nullish(),
      non_additive_dimension: z
        .object({ name: z.string(), window_choice: z.string(), window_groupings: z.array(z.string()) })
        .nullish(),
    }),
  ),
});

const metricSchema = z.object({
  name: z.string(),
  label: z.string().nullish(),
  description: z.string().nullish(),
  type: z.string(),
  type_params: z.object({
    measure: inputSchema.nullish(),
    numerator: inputSchema.nullish(),
    denominator: inputSchema.nullish(),
  }),
  filter: filterSchema,
});

const definitionsSchema = z.object({
  semantic_models: z.array(semanticModelSchema),
  metrics: z.array(metricSchema),
});

export type Definitions = z.infer<typeof definitionsSchema>;
export type SemanticModel = z.infer<typeof semanticModelSchema>;
export type Measure = SemanticModel['measures'][number];
export type MetricDefinition = z.infer<typeof metricSchema>;
export type MetricInput = z.infer<typeof inputSchema>;

/** Parses the part of dbt's semantic manifest that is used here. */
export const parseDefinitions = (json: string): Definitions => definitionsSchema.parse(JSON.parse(json));
