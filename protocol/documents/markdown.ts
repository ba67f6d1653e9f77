import { readLimits, readRates } from '../../config/settings/limits.ts';
import { errorReply } from '../../core/replies.ts';
import { ERROR_CODES } from '../errors.ts';
import { ID_PATTERN } from '../ids.ts';
import { MAX_CONTENT_BYTES, MAX_FRAME_BYTES, MAX_OPTIONS_BYTES } from '../limits.ts';
import { CODE_DESCRIPTIONS } from './code-descriptions.ts';
import type { Coverage } from './coverage.ts';
import { EVERY_EVENT } from './event-descriptions.ts';
import type { Scene } from './examples.ts';
import type { DocumentedFrame, JsonSchema } from './json-schema.ts';

/** The chapters of docs/protocol.md that have a section for each frame of a kind. */
const FRAME_CHAPTERS = { client: 12, event: 13, reply: 14 } as const;

/** The text between `<!-- generated: name -->` and `<!-- end -->`, by name. */
export function generatedBlocks(
  frames: readonly DocumentedFrame[],
  scenes: readonly Scene[],
  coverage: readonly Coverage[],
): Map<string, string> {
  const blocks = new Map<string, string>();
  for (const [kind, chapter] of Object.entries(FRAME_CHAPTERS)) {
    const sections = frames.filter((frame) => frame.kind === kind);
    blocks.set(
      `frames ${kind}`,
      sections.map((frame, i) => frameSection(frame, `${chapter}.${i + 1}`)).join('\n\n'),
    );
  }
  const [event] = frames.filter(({ kind }) => kind === 'event');
  if (event) blocks.set('fields of every event', fieldTable(rowsOf(event.schema).filter(isCommon)));
  blocks.set('codes', codeTable());
  blocks.set('limits', limitTable());
  blocks.set('coverage', coverageTable(coverage));
  for (const { name, lines } of scenes) blocks.set(`example ${name}`, exampleBlock(lines));
  return blocks;
}

const BLOCK = /(<!-- generated: (.+?) -->\n)[\s\S]*?(<!-- end -->)/g;

/** Replaces the text between the markers. @throws when a block has no place in the page, or a place no block. */
export function fillIn(page: string, blocks: ReadonlyMap<string, string>): string {
  const used = new Set<string>();
  const filled = page.replaceAll(BLOCK, (_, head: string, name: string, end: string) => {
    const block = blocks.get(name);
    if (block === undefined)
      throw new Error(`docs/protocol.md has a place for "${name}", and no such block is generated`);
    used.add(name);
    return `${head}${block}\n${end}`;
  });
  const missing = [...blocks.keys()].find((name) => !used.has(name));
  if (missing) throw new Error(`docs/protocol.md has no place for "${missing}"`);
  return filled;
}

interface Row {
  path: string;
  type: string;
  required: boolean;
  description: string;
}

const isCommon = ({ path }: Row) => Object.hasOwn(EVERY_EVENT, path);

function frameSection({ type, kind, summary, schema }: DocumentedFrame, section: string): string {
  const rows = rowsOf(schema).filter((row) => row.path !== 'type' && !(kind === 'event' && isCommon(row)));
  const heading = `### ${section} \`${type}\`${kind === 'event' && type === 'error' ? ', terminal' : ''}`;
  return [heading, summary, ...(rows.length > 0 ? [fieldTable(rows)] : [])].join('\n\n');
}

function fieldTable(rows: readonly Row[]): string {
  return table(
    ['field', 'type', 'meaning'],
    rows.map(({ path, type, required, description }) => [
      `\`${path}\`${required ? '' : '?'}`,
      type,
      description,
    ]),
  );
}

/** Every field of an object, with nested fields below it. A field that only some variants have counts as optional. */
function rowsOf(schema: JsonSchema, prefix = ''): Row[] {
  const variants = schema.oneOf ?? schema.anyOf ?? [schema];
  const rows = new Map<string, Row>();
  for (const variant of variants) {
    for (const [field, part] of Object.entries(variant.properties ?? {})) {
      const path = prefix + field;
      const required = variants.every((one) => one.required?.includes(field));
      const type = typeText(part);
      const row = rows.get(path);
      // A discriminator has a different constant in each variant.
      if (row) row.type = row.type.split(', ').includes(type) ? row.type : `${row.type}, ${type}`;
      else rows.set(path, { path, type, required, description: part.description ?? '' });
      for (const form of part.anyOf ?? part.oneOf ?? [part])
        for (const nested of nestedRows(form, path)) rows.set(nested.path, nested);
    }
  }
  return [...rows.values()];
}

function nestedRows({ properties, items, ...form }: JsonSchema, path: string): Row[] {
  // It has a section of its own.
  if (form.title) return [];
  if (properties) return rowsOf({ ...form, properties }, `${path}.`);
  return items?.properties || items?.oneOf || items?.anyOf ? rowsOf(items, `${path}[].`) : [];
}

function typeText(schema: JsonSchema): string {
  if ((schema.anyOf ?? schema.oneOf)?.every(({ title }) => title)) return 'event';
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) {
    const values = schema.enum.map((value) => `\`${JSON.stringify(value)}\``);
    return values.length > 8 ? 'a code' : values.join(', ');
  }
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' or ');
  if (schema.type === 'array') return `array of ${plural(schema.items)}`;
  if (schema.pattern === ID_PATTERN.source) return 'id';
  const { type, minimum, exclusiveMinimum, maximum, maxLength } = schema;
  if (type === undefined) return 'any JSON';
  if (type === 'string' && maxLength !== undefined) return `string, at most ${maxLength}`;
  if (Array.isArray(type)) return type.join(' or ');
  if (type !== 'integer' && type !== 'number') return String(type);
  const from = minimum ?? (exclusiveMinimum === 0 ? 1 : undefined);
  const bounded = typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER;
  return [type, from !== undefined && `from ${from}`, bounded && `to ${maximum}`].filter(Boolean).join(' ');
}

const plural = (items: JsonSchema | undefined): string =>
  items?.type === 'string' ? 'strings' : items?.type === undefined ? 'objects' : `${items.type}s`;

function codeTable(): string {
  return table(
    ['code', 'comes as', 'retryable', 'when', 'what a client does'],
    ERROR_CODES.map((code) => {
      const { as, when, client } = CODE_DESCRIPTIONS[code];
      const retryable = errorReply(code, '').retryable ? 'yes' : 'no';
      return [`\`${code}\``, as, as === 'end' ? 'as it says' : retryable, when, client];
    }),
  );
}

function limitTable(): string {
  const limits = readLimits({});
  const rates = readRates({});
  return table(
    ['limit', 'default', 'given in', 'beyond it'],
    [
      ['bytes of content, as JSON', MAX_CONTENT_BYTES, '`limits.content_bytes`', '`MESSAGE_TOO_LARGE`'],
      ['bytes of options, as JSON', MAX_OPTIONS_BYTES, '`limits.options_bytes`', '`MESSAGE_TOO_LARGE`'],
      [
        'pending messages of a lane',
        limits.inboxMessages,
        '`limits.inbox_messages`',
        '`STEERING_QUEUE_FULL`',
      ],
      ['pending bytes of a lane', limits.inboxBytes, '`limits.inbox_bytes`', '`STEERING_QUEUE_FULL`'],
      ['turns of a session', limits.sessionTurns, '`limits.session_turns`', '`SESSION_QUEUE_FULL`'],
      [
        'seconds that a turn waits until it begins',
        limits.queueTimeoutSeconds,
        '`limits.queue_timeout_seconds`',
        '`SESSION_QUEUE_TIMEOUT`',
      ],
      ['turns of a principal, running or waiting', limits.principalTurns, '', '`TOO_MANY_TURNS`'],
      ['connections of a session', limits.sessionConnections, '', '`TOO_MANY_CONNECTIONS`'],
      ['bytes of a frame from the server', MAX_FRAME_BYTES, '`limits.frame_bytes`', 'never sent'],
      ['frames of a principal per minute', rates.framesPerMinute, '', '`RATE_LIMITED`'],
      ['connections of a principal per minute', rates.connectionsPerMinute, '', 'handshake refused with 429'],
    ].map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell))),
  );
}

const coverageTable = (coverage: readonly Coverage[]): string =>
  table(
    ['point', 'rules', 'not checked, and why'],
    coverage.map(({ point, rules, gaps }) => [
      point,
      rules.map((name) => `\`${name}\``).join(', '),
      gaps.join(' '),
    ]),
  );

const exampleBlock = (lines: Scene['lines']): string =>
  [
    '```',
    ...lines.map(({ from, frame }) => `${from === 'client' ? '→' : '←'} ${JSON.stringify(frame)}`),
    '```',
  ].join('\n');

/** Reads a line of an example: the side that sent the frame, and the frame's JSON. */
export function frameOfLine(line: string): { from: 'client' | 'server'; json: string } | undefined {
  const [, arrow, json] = /^([→←]) (.*)$/.exec(line) ?? [];
  return json === undefined ? undefined : { from: arrow === '→' ? 'client' : 'server', json };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
