import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Parser } from '@asyncapi/parser';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENDS } from '../../local/gateway/close-codes.ts';
import { CLIENT_FRAMES } from '../../protocol/client-frames.ts';
import { readScenes } from '../../protocol/documents/examples.ts';
import { committedFiles, generatedFiles } from '../../protocol/documents/generate.ts';
import { documentedFrames, type JsonSchema, schemaFiles } from '../../protocol/documents/json-schema.ts';
import { frameOfLine } from '../../protocol/documents/markdown.ts';
import { ERROR_CODES } from '../../protocol/errors.ts';
import { EVENT_FRAMES } from '../../protocol/events.ts';
import { REPLY_FRAMES } from '../../protocol/server-frames.ts';
import { frameArbitrary } from './frame-arbitrary.ts';

const docs = join(import.meta.dirname, '../../docs');
const frames = documentedFrames();
const page = await readFile(join(docs, 'protocol.md'), 'utf8');

it('the committed files are what the schemas generate: else run `npm run protocol`', async () => {
  const [committed, generated] = await Promise.all([committedFiles(), generatedFiles()]);
  expect([...committed.keys()].toSorted()).toEqual([...generated.keys()].toSorted());
  // The linter decides how JSON is broken into lines.
  const content = (path: string, text: string) => (path.endsWith('.json') ? JSON.parse(text) : text);
  for (const [path, text] of generated) {
    expect(content(path, committed.get(path) ?? 'null'), path).toEqual(content(path, text));
  }
});

it('the AsyncAPI document passes the parser, and has every frame with an operation', async () => {
  const yaml = await readFile(join(docs, 'protocol/asyncapi.yaml'), 'utf8');
  const { document, diagnostics } = await new Parser().parse(yaml);
  expect(
    diagnostics.filter(({ severity }) => severity <= 1).map(({ message, path }) => `${message} ${path}`),
  ).toEqual([]);
  const operated = (document?.operations().all() ?? []).flatMap((operation) =>
    operation
      .messages()
      .all()
      .map((message) => message.title()),
  );
  expect(operated.toSorted()).toEqual(frames.map(({ name }) => name).toSorted());
});

/** The zod schema of each documented frame. */
const zodSchemas = new Map(
  [...Object.values(CLIENT_FRAMES), ...EVENT_FRAMES, ...REPLY_FRAMES].map((schema, i) => [
    frames[i]?.name,
    schema,
  ]),
);

describe('the JSON Schemas', () => {
  const ajv = new Ajv2020({ allowUnionTypes: true });
  const files = schemaFiles(frames);
  for (const [name, schema] of files) ajv.addSchema(schema, name);

  it.each(frames)('$name accepts exactly what the server’s own schema accepts', ({ name, schema }) => {
    const validate = ajv.getSchema(`${name}.json`);
    const zod = zodSchemas.get(name);
    if (!validate || !zod) throw new Error(`no schema of ${name}`);
    let [valid, invalid] = [0, 0];
    fc.assert(
      fc.property(frameArbitrary(schema), (value) => {
        const { success } = zod.safeParse(value);
        if (success) valid++;
        else invalid++;
        expect(validate(value), JSON.stringify(value)).toBe(success);
      }),
      { numRuns: 400 },
    );
    // Otherwise the property would show little.
    expect(valid).toBeGreaterThan(10);
    expect(invalid).toBeGreaterThan(10);
  });

  it('for any client frame and any server frame accept what was recorded, and nothing of the other side', async () => {
    const of = { client: ajv.getSchema('client-frame.json'), server: ajv.getSchema('server-frame.json') };
    const both = ['ping', 'history', 'sessions', 'export'];
    for (const { lines } of await readScenes()) {
      for (const { from, frame } of lines) {
        expect(of[from]?.(frame), JSON.stringify(frame)).toBe(true);
        const other = from === 'client' ? of.server : of.client;
        if (!both.includes(frame.type)) expect(other?.(frame), JSON.stringify(frame)).toBe(false);
      }
    }
  });

  it('describe every field', () => {
    const undescribed: string[] = [];
    const walk = (schema: JsonSchema, path: string) => {
      for (const [field, part] of Object.entries(schema.properties ?? {})) {
        if (!part.description) undescribed.push(`${path}.${field}`);
        walk(part, `${path}.${field}`);
      }
      if (schema.items) walk(schema.items, path);
      for (const variant of schema.oneOf ?? []) walk(variant, path);
    };
    for (const { name, schema } of frames) {
      expect(schema.description, name).toMatch(/\S/);
      walk(schema, name);
    }
    expect(undescribed).toEqual([]);
  });
});

describe('docs/protocol.md', () => {
  /** Cells of the first column of the tables below each heading, without the code marks. */
  const sections = new Map(
    page.split(/^#{2,3} [\d.]+ /m).map((section) => {
      const heading = section.slice(0, section.indexOf('\n'));
      const cells = [...section.matchAll(/^\| `(.+?)`\??/gm)].map(([, cell]) => cell ?? '');
      return [`${heading}`, cells] as const;
    }),
  );
  const headingsBelow = (title: string) => {
    const [, rest = ''] = page.split(new RegExp(`^## \\d+\\. ${title}$`, 'm'));
    return [...(rest.split(/^## /m)[0] ?? '').matchAll(/^### \d+\.\d+ (.+)$/gm)].map(
      ([, heading]) => heading,
    );
  };
  const typeOf = (schema: (typeof EVENT_FRAMES | typeof REPLY_FRAMES)[number]) =>
    schema.shape.type.def.values[0] as string;

  it('has every frame, and none that does not exist', () => {
    expect(headingsBelow('Client frames')).toEqual(Object.keys(CLIENT_FRAMES).map((type) => `\`${type}\``));
    expect(headingsBelow('Events')).toEqual(
      EVENT_FRAMES.map((schema) => `\`${typeOf(schema)}\`${typeOf(schema) === 'error' ? ', terminal' : ''}`),
    );
    expect(headingsBelow('Replies')).toEqual(REPLY_FRAMES.map((schema) => `\`${typeOf(schema)}\``));
  });

  it('has every field of each frame, and none that does not exist', () => {
    const top = (cells: readonly string[]) => cells.filter((cell) => !/[.[]/.test(cell));
    // A reply and a client frame may have the same name, so fields are searched below their own chapter.
    const below = (chapter: string, heading: string) => {
      const [, rest = ''] = page.split(new RegExp(`^## \\d+\\. ${chapter}$`, 'm'));
      const section = (rest.split(/^## /m)[0] ?? '')
        .split(/^### [\d.]+ /m)
        .find((one) => one.startsWith(`${heading}\n`));
      return top([...(section ?? '').matchAll(/^\| `(.+?)`\??/gm)].map(([, cell]) => cell ?? ''));
    };
    const fields = (shape: object) => Object.keys(shape).filter((field) => field !== 'type');
    for (const [type, schema] of Object.entries(CLIENT_FRAMES)) {
      expect(below('Client frames', `\`${type}\``), type).toEqual(fields(schema.shape));
    }
    const common = sections.get('Events') ?? [];
    for (const schema of EVENT_FRAMES) {
      const type = typeOf(schema);
      const heading = type === 'error' ? '`error`, terminal' : `\`${type}\``;
      expect([...common, ...below('Events', heading)], type).toEqual(fields(schema.shape));
    }
    for (const schema of REPLY_FRAMES) {
      const type = typeOf(schema);
      expect(below('Replies', `\`${type}\``), type).toEqual(fields(schema.shape));
    }
  });

  it('has every error code, and none that does not exist', () => {
    expect(sections.get('Codes')).toEqual([...ERROR_CODES]);
  });

  it('has every close code that the gateway sends', () => {
    const [, rest = ''] = page.split('### 11.2 Close codes');
    const codes = [...rest.matchAll(/^\| (\d{4}) /gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(
      Object.values(ENDS)
        .map(({ code }) => code)
        .toSorted((a, b) => a - b),
    );
  });

  it('has examples of which each line is a frame of its side', () => {
    const byType = new Map(
      frames.map((frame) => [`${frame.kind} ${frame.type}`, zodSchemas.get(frame.name)]),
    );
    const lines = page.split('\n').flatMap((line) => frameOfLine(line) ?? []);
    expect(lines.length).toBeGreaterThan(50);
    for (const { from, json } of lines) {
      const frame = JSON.parse(json);
      const kind = from === 'client' ? 'client' : 'seq' in frame ? 'event' : 'reply';
      expect(byType.get(`${kind} ${frame.type}`)?.safeParse(frame).error, json).toBeUndefined();
    }
  });
});
