/** What is read of this project's own manifest. */
export interface Root {
  name: string;
  version: string;
  description: string;
  license: string;
  dependencies: Readonly<Record<string, string>>;
  devDependencies: Readonly<Record<string, string>>;
}

/**
 * What the user's project chooses the version of, because both sides exchange its objects. The versions that are tested are those of
 * this project.
 */
const PEERS: Readonly<Record<string, string>> = {
  ai: '^7.0.0',
  'aws-cdk-lib': '^2.276.0',
  constructs: '^10.5.0',
};

/** Node 22.18 is the first long-term version that runs TypeScript without a flag: the app of `midturn init` is TypeScript. */
const NODE = '>=22.18';

/** What `midturn init` writes into a project: exactly where a newer version is known to fail (docs/decisions/0070). */
const STARTER = {
  exact: ['aws-cdk'],
  compatible: ['@types/node', 'ai', 'aws-cdk-lib', 'constructs', 'typescript', 'vitest', 'zod'],
};

/** @throws {Error} if a package is imported that this project does not name */
export function manifestOf(root: Root, imported: readonly string[]): object {
  const versions = new Map([...Object.entries(root.devDependencies), ...Object.entries(root.dependencies)]);
  const dependencies = imported
    .filter((name) => !Object.hasOwn(PEERS, name) && name !== root.name)
    .map((name) => {
      const version = versions.get(name);
      if (version === undefined) throw new Error(`package.json does not name ${name}.`);
      return [name, `^${version}`];
    });
  return {
    name: root.name,
    version: root.version,
    description: root.description,
    license: root.license,
    keywords: ['agent', 'aws-cdk', 'websocket', 'streaming', 'steering', 'lambda', 'serverless', 'ai-sdk'],
    type: 'module',
    exports: {
      './cdk': { types: './infra/index.d.ts', default: './infra/index.js' },
      './agent': { types: './model/agent/index.d.ts', default: './model/agent/index.js' },
      './package.json': './package.json',
    },
    bin: { midturn: 'cli/main.js' },
    engines: { node: NODE },
    peerDependencies: PEERS,
    dependencies: Object.fromEntries(dependencies),
    starter: Object.fromEntries([
      ...STARTER.exact.map((name) => [name, versions.get(name)]),
      ...STARTER.compatible.map((name) => [name, `^${versions.get(name)}`]),
    ]),
  };
}
