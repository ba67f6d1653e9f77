import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ROOT } from './markdown.ts';

const yaml = (path: string): unknown => load(readFileSync(join(ROOT, path), 'utf8'));

const Workflow = z.object({
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.object({
      'runs-on': z.string(),
      'timeout-minutes': z.number(),
      steps: z.array(z.object({ uses: z.string().optional(), run: z.string().optional() })),
    }),
  ),
});

const IssueForm = z.object({
  name: z.string().min(1),
  description: z.string().min(1),
  body: z
    .array(z.object({ type: z.enum(['markdown', 'textarea', 'input', 'dropdown', 'checkboxes']) }))
    .min(1),
});

describe('the workflow', () => {
  const { permissions, jobs } = Workflow.parse(yaml('.github/workflows/ci.yml'));
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  it('runs what CI runs everywhere', () => {
    expect(steps.map(({ run }) => run)).toContain('.ci/run');
  });

  it('may only read', () => {
    expect(permissions).toEqual({ contents: 'read' });
  });

  it('names a version of each action', () => {
    for (const { uses } of steps) if (uses) expect(uses).toMatch(/^actions\/[\w-]+@v\d+$/);
  });
});

it.each(['bug', 'feature'])('the issue form "%s" is one', (name) => {
  IssueForm.parse(yaml(`.github/ISSUE_TEMPLATE/${name}.yml`));
});
