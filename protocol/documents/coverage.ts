import { CASES } from '../../conformance/client/cases/cases.ts';
import { GAPS } from '../../conformance/gaps.ts';
import type { Point } from '../../conformance/rule.ts';
import { RULES } from '../../conformance/rules/rules.ts';

/** A numbered point of docs/protocol.md. */
export interface PagePoint {
  point: Point;
  text: string;
  /** Whether it has a MUST or MUST NOT: the kit checks it, or `conformance/gaps.ts` says why not. */
  required: boolean;
}

/** The points of the page, in its order. A point is a paragraph that begins with its number in bold. */
export function pointsOf(page: string): PagePoint[] {
  return page.split(/\n\n+/).flatMap((paragraph) => {
    const [, number, text] = /^\*\*([\d.]+)\*\* ([\s\S]+)$/.exec(paragraph) ?? [];
    if (number === undefined || text === undefined) return [];
    if (!isPoint(number)) throw new Error(`docs/protocol.md: "${number}" is not the number of a point`);
    return [{ point: number, text, required: /\bMUST\b/.test(text) }];
  });
}

const isPoint = (text: string): text is Point => /^\d+\.\d+\.\d+$/.test(text);

export interface Coverage {
  point: Point;
  /** Names of the rules and of the cases for clients that check it. */
  rules: readonly string[];
  /** Why none checks it, or not completely. */
  gaps: readonly string[];
}

/** Each point with a MUST, and what the kit makes of it. */
export const coverageOf = (page: string): Coverage[] =>
  pointsOf(page).flatMap(({ point, required }) => {
    if (!required) return [];
    const rules = [...RULES, ...CASES].flatMap(({ name, points }) => (points.includes(point) ? [name] : []));
    return [{ point, rules, gaps: GAPS.flatMap(({ points, why }) => (points.includes(point) ? [why] : [])) }];
  });
