import { LocalCloudError } from '../errors.ts';
import { isMap } from './resolve.ts';
import type { Template, Value } from './template.ts';

/** A Midturn of a template, as its construct describes it to the local cloud. Logical ids name its resources. */
export interface Described {
  /** The construct's path: `Theirs/Chat`. */
  path: string;
  table: string;
  deadlineQueue: string;
  /** If it has one. */
  httpApi?: string;
  /** Absolute path of the module of the agent, if the construct has it. */
  agent?: string;
  /** Absolute path of the page's folder, if the construct has one. */
  page?: string;
}

/** The Midturns of a template. */
export function allDescribedIn({ Metadata = {} }: Template): Described[] {
  const all = Array.isArray(Metadata.Midturn) ? Metadata.Midturn : [];
  return all.filter(isMap).map((one: { readonly [key: string]: Value }) => ({
    path: String(one.path),
    table: String(one.table),
    deadlineQueue: String(one.deadlineQueue),
    ...(typeof one.httpApi === 'string' && { httpApi: one.httpApi }),
    ...(typeof one.agent === 'string' && { agent: one.agent }),
    ...(typeof one.page === 'string' && { page: one.page }),
  }));
}

/** @throws {LocalCloudError} unless the template has exactly one Midturn */
export function describedIn(template: Template): Described {
  const [first, ...others] = allDescribedIn(template);
  if (!first) throw new LocalCloudError('The template has no Midturn.');
  if (others.length === 0) return first;
  const paths = [first, ...others].map(({ path }) => path).join(' and ');
  throw new LocalCloudError(
    `The local cloud runs one Midturn of a stack, and this one has ${paths}: put them into stacks of their own.`,
  );
}
