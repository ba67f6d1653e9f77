import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cases } from '../../test/support/sample.ts';
import { anyText } from '../../test/support/text.ts';
import { type AgentDefinition, AgentDefinitionError } from '../agent/agent-definition.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { mcpToolName } from './definition.ts';

describe('the name by which the model calls a tool', () => {
  it('is one that every provider takes, is the same everywhere, and differs from every other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyText({ minLength: 1, maxLength: 90 })), (tools) => {
        const names = tools.map((tool) => mcpToolName('books', tool));
        for (const name of names) expect(name).toMatch(/^books_[A-Za-z0-9_-]{1,58}$/);
        expect(new Set(names).size).toBe(tools.length);
      }),
      { numRuns: cases(500) },
    );
  });

  it.each([
    ['search', 'books_search'],
    ['pages/search', 'books_pages_search_c409f62a'],
    ['pages.search', 'books_pages_search_64576110'],
    ['a'.repeat(58), `books_${'a'.repeat(58)}`],
  ])('%s is %s', (tool, name) => expect(mcpToolName('books', tool)).toBe(name));
});

describe('an agent’s definition', () => {
  it.each<[string, Partial<AgentDefinition>]>([
    ['MCP server "my_books": only letters', { mcp: { my_books: { url: 'https://a.test' } } }],
    ['MCP server "books": "http://a.test" is no https URL', { mcp: { books: { url: 'http://a.test' } } }],
    ['MCP server "books": timeoutSeconds', { mcp: { books: { url: 'https://a.test', timeoutSeconds: 0 } } }],
    ['MCP server "books": connectSeconds', { mcp: { books: { url: 'https://a.test', connectSeconds: 60 } } }],
  ])('is checked at start: %s', (complaint, definition) => {
    expect(() => defineAgent({ instructions: '', tools: {}, ...definition })).toThrow(AgentDefinitionError);
    expect(() => defineAgent({ instructions: '', tools: {}, ...definition })).toThrow(complaint);
  });
});
