import { extname, join } from 'node:path';

/** The root of this project, or of the installed package, which has the same folders. */
export const ROOT = join(import.meta.dirname, '..');

/** Of all modules: `.ts` in this project, `.js` in the package. */
export const EXTENSION = extname(import.meta.filename);

/**
 * For what can be made again: bundles, templates, compiled code. A package writes nothing into its own folder, which several projects
 * may share.
 */
export const CACHE =
  EXTENSION === '.ts' ? join(ROOT, 'dist') : join(process.cwd(), 'node_modules', '.cache', 'midturn');

/** The agent of this project. The package has none. */
export const OWN_AGENT = join(ROOT, 'agent', `agent${EXTENSION}`);
