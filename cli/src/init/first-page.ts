import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { newFile } from './common.ts';
import type { PlannedFile } from './planned-file.ts';

/**
 * A first page of the dashboard, unless the project has a folder of that name: what the last build did, which works in every
 * project, and the rows of a model if one is known by name.
 */
export function firstPage(root: string, model?: string): PlannedFile[] {
  return existsSync(join(root, 'dashboard')) ? [] : newFile(root, 'dashboard/overview.md', page(model));
}

const page = (model: string | undefined): string => `---
title: Overview
description: What the last build did, and every model with its rows, times and tests.
---

A page is SQL and a little markup: node_modules/meetup/docs/dashboard.md describes it. Save this file, and the open page follows.

\`\`\`sql models
select model, schema, owner, row_count, seconds, tests, failing_tests, status, description
from pipeline_models
order by failing_tests desc, row_count desc nulls last, model
\`\`\`

\`\`\`sql last_build
select ended_at, status, why, seconds, models, tests from pipeline_builds where build = 1
\`\`\`

\`\`\`sql largest
select model, row_count from pipeline_models where row_count > 0 order by row_count desc limit 20
\`\`\`

<table query="last_build" title="The last build"
  columns="ended_at: Ended (UTC) (moment), status: Status, why: Why, seconds: Seconds (decimal), models: Models, tests: Tests"/>
<chart query="largest" type="bar" x="row_count" y="model" title="The largest tables" x-label="Rows" empty="No table has rows yet. Views, which have none of their own, are not counted."/>
<table query="models" title="Models"
  columns="model: Model, schema: Schema, owner: Owner, row_count: Rows, seconds: Seconds (decimal), tests: Tests, failing_tests: Failing, status: Status, description: Meaning"/>
${model === undefined ? '' : rowsOf(model)}`;

const rowsOf = (model: string): string => `
\`\`\`sql rows
select * from ${model} limit 100
\`\`\`

<table query="rows" title="Rows of ${model}"/>
`;
