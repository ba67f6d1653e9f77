import { expect, it } from 'vitest';
import { ERROR_CODES } from '../../protocol/errors.ts';
import { pageAt } from '../../test/docs/markdown.ts';
import { STATUS } from './status.ts';

it('docs/http.md has the status of every code, in the order of the codes', () => {
  const rows = [...pageAt('docs/http.md').text.matchAll(/^\| (\d{3}) \| (.+) \|$/gm)];
  const written = rows.map(([, status, codes = '']) => ({
    status: Number(status),
    codes: codes.split(', ').map((code) => code.replaceAll('`', '')),
  }));
  const statuses = [...new Set(Object.values(STATUS))].toSorted();
  expect(written).toEqual(
    statuses.map((status) => ({ status, codes: ERROR_CODES.filter((code) => STATUS[code] === status) })),
  );
});
