import type { SettingTable } from './setting.ts';

/** What the local cloud alone has (`npm start`). A deployment ignores it. */
export const LOCAL_SETTINGS = {
  /** Port of the local cloud. With 0, any free one. */
  port: { name: 'PORT', kind: 'integer', unit: 'count', range: [0, 65_535], default: 8787 },
  /**
   * Origins of pages that may use the local cloud beside its own page, with commas between: for an application on a
   * development server of its own, such as `http://localhost:5173`. Pages of all other origins are refused.
   */
  localOrigins: {
    name: 'MIDTURN_LOCAL_ORIGINS',
    kind: 'text',
    unset: 'only its own page',
  },
  /** Folder for conversations that survive a restart. */
  dataDir: { name: 'MIDTURN_DATA_DIR', kind: 'text', unset: 'conversations are kept in memory' },
  /** Content of the local Secrets Manager, as JSON: `{"name":"value"}`. */
  secrets: { name: 'MIDTURN_LOCAL_SECRETS', kind: 'text', unset: 'no secrets' },
  /**
   * Where a `bedrock:` model answers. Functions of the local cloud do not get your AWS credentials; `midturn dev --aws bedrock` signs
   * their requests with them.
   */
  bedrockUrl: {
    name: 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME',
    kind: 'text',
    unset: 'a `bedrock:` model cannot be called',
  },
} as const satisfies SettingTable;
