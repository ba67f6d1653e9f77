import { describe, expect, it } from 'vitest';
import { createRouteSelector } from './route-selection.ts';

const keys = new Set(['$connect', '$disconnect', '$default', 'message', 'ping', '5']);

describe('route selection', () => {
  it.each([
    ['$request.body.type', '{"type":"message"}', 'message'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: API Gateway's own syntax.
    ['${request.body.type}', '{"type":"message"}', 'message'],
    ['$request.body.header.kind', '{"header":{"kind":"ping"}}', 'ping'],
  ])('%s picks the route that the body names', (expression, body, key) => {
    expect(createRouteSelector(expression, keys)(body)).toBe(key);
  });

  it.each([
    ['no JSON', 'hello'],
    ['JSON that is no object', '["message"]'],
    ['null', 'null'],
    ['no such field', '{"kind":"message"}'],
    ['a route that does not exist', '{"type":"nope"}'],
    ['a value that is no string', '{"type":5}'],
    ['a predefined route', '{"type":"$connect"}'],
    ['another predefined route', '{"type":"$disconnect"}'],
  ])('leaves %s to $default', (_what, body) => {
    expect(createRouteSelector('$request.body.type', keys)(body)).toBeUndefined();
  });

  it('sees only what the body holds, not what every object inherits', () => {
    const select = createRouteSelector('$request.body.constructor.name', new Set(['Object']));
    expect(select('{}')).toBeUndefined();
  });

  it.each(['$request.header.x', 'request.body.type', '$request.body.', '$request.body.a..b', ''])(
    'does not accept the expression "%s"',
    (expression) => {
      expect(() => createRouteSelector(expression, keys)).toThrow(expression);
    },
  );
});
