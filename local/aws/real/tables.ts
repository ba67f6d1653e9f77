import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Upstream } from '../forward.ts';
import { fields } from '../operations.ts';
import { refuse } from '../refusals.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Tables of the developer's account: all those that are not here. */
export interface RealTables {
  /** Answers a request about tables of the account. @returns whether it was one */
  serve(
    call: { name: string; value: Fields; request: IncomingMessage; response: ServerResponse },
    done: (result: { requestBytes: number; responseBytes: number }) => void,
  ): boolean;
}

/** What is passed on: nothing that makes, changes or removes a table. */
const PASSED = new Set(
  'GetItem,PutItem,UpdateItem,DeleteItem,Query,Scan,BatchGetItem,BatchWriteItem,TransactGetItems,TransactWriteItems,DescribeTable'.split(
    ',',
  ),
);

/** @param isLocal whether a table of this name is here */
export function createRealTables(isLocal: (table: string) => boolean, upstream: Upstream): RealTables {
  return {
    serve({ name, value, request, response }, done) {
      const tables = new Set<string>();
      const named = withTableNames(name, value, (table) => void tables.add(table));
      const real = [...tables].filter((table) => !isLocal(table));
      const [first] = real;
      if (first === undefined) return false;
      const body = Buffer.from(JSON.stringify(named));
      const message = !PASSED.has(name)
        ? `${first} is in your AWS account: midturn dev passes ${name} on to no account.`
        : real.length < tables.size
          ? `${first} is in your AWS account, and another table of this ${name} is on this machine.`
          : undefined;
      if (message === undefined) upstream.pass(request, response, body, done);
      else
        done({
          requestBytes: body.length,
          responseBytes: refuse(response, 'dynamodb', { kind: 'invalid', message }),
        });
      return true;
    },
  };
}

/** A request that names its tables by their names, also where it named them by ARNs, which have the account of the local cloud. */
function withTableNames(operation: string, value: Fields, found: (table: string) => void): Fields {
  const nameOf = (table: string) => {
    const name = table.slice(table.lastIndexOf('/') + 1);
    found(name);
    return name;
  };
  const renamed = (of: Fields): Fields =>
    typeof of.TableName === 'string' ? { ...of, TableName: nameOf(of.TableName) } : of;
  const entries = (of: unknown, change: (key: string, of: unknown) => [string, unknown]) =>
    Object.fromEntries(Object.entries(fields(of)).map(([key, one]) => change(key, one)));
  switch (operation) {
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return { ...value, RequestItems: entries(value.RequestItems, (table, of) => [nameOf(table), of]) };
    case 'TransactGetItems':
    case 'TransactWriteItems': {
      const items = Array.isArray(value.TransactItems) ? value.TransactItems : [];
      const each = (item: unknown) => entries(item, (kind, of) => [kind, renamed(fields(of))]);
      return { ...value, TransactItems: items.map(each) };
    }
    default:
      return renamed(value);
  }
}
