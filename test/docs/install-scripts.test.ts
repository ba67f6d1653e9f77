import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './markdown.ts';

const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));

const { allowScripts, scarfSettings } = read('package.json') as {
  allowScripts: Record<string, boolean>;
  scarfSettings: { enabled: boolean };
};
const withScripts = Object.entries(
  (read('package-lock.json') as { packages: Record<string, { hasInstallScript?: true; optional?: true }> })
    .packages,
)
  .filter(([, { hasInstallScript }]) => hasInstallScript)
  .map(([path]) => path.replace(/^.*node_modules\//, ''));

it('a package that runs a script when it is installed was looked at, and no other comes in unseen', () => {
  const REPORTS_INSTALLS = '@scarf/scarf';
  const unseen = withScripts.filter(
    (name) => name !== 'fsevents' && name !== REPORTS_INSTALLS && !allowScripts[name],
  );
  expect(unseen).toEqual([]);
  // An npm that knows `allowScripts` does not start this script. An older one does, and the script then reads its setting and
  // reports nothing: https://github.com/scarf-sh/scarf-js
  expect(allowScripts).not.toHaveProperty(REPORTS_INSTALLS);
  expect(scarfSettings.enabled).toBe(false);
  const script = readFileSync(join(ROOT, 'node_modules', REPORTS_INSTALLS, 'report.js'), 'utf8');
  expect(script).toContain('rootPackage.scarfSettings.enabled === false');
});
