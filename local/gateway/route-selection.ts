import { isJsonObject } from './json-object.ts';

/** Returns a message's route key. Undefined selects `$default`. */
export type RouteSelector = (body: string) => string | undefined;

const EXPRESSION = /^\$(?:request\.body\.([\w.-]+)|\{request\.body\.([\w.-]+)\})$/;

/**
 * Parses a route selection expression: `$request.body.<path>` or `${request.body.<path>}`, the forms that API Gateway
 * documents for WebSocket APIs.
 *
 * @throws {Error} for any other expression, so that no template runs with another meaning
 */
export function createRouteSelector(expression: string, routeKeys: ReadonlySet<string>): RouteSelector {
  const match = EXPRESSION.exec(expression);
  const path = (match?.[1] ?? match?.[2])?.split('.');
  if (path === undefined || path.includes('')) {
    throw new Error(
      `The route selection expression "${expression}" is not supported: only $request.body.<path> is.`,
    );
  }
  return (body) => {
    const key = valueAt(parse(body), path);
    // A client must not reach `$connect` or `$disconnect` by naming them in a message.
    if (typeof key !== 'string' || key.startsWith('$')) return undefined;
    return routeKeys.has(key) ? key : undefined;
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (isJsonObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
    value,
  );
}
