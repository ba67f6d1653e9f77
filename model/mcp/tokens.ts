import { SettingError } from '../../config/settings/setting.ts';

/**
 * Parses `server=token,…`, the form of `MIDTURN_MCP_TOKENS` and its secret.
 *
 * @throws {SettingError} The message quotes no part of the text.
 */
export function parseMcpTokens(text: string): ReadonlyMap<string, string> {
  const entries = text
    .split(',')
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      // A token may contain `=`; a server's name cannot.
      const [, server, token] = /^([A-Za-z0-9-]+)=(\S+)$/.exec(entry.trim()) ?? [];
      if (!server || !token) {
        throw new SettingError('The tokens of the MCP servers are not of the form server=token,…');
      }
      return [server, token] as const;
    });
  return new Map(entries);
}
