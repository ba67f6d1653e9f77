/**
 * Limits of DynamoDB's expressions that dynalite does not check. Source: "Constraints in Amazon DynamoDB", expression
 * parameters, DynamoDB developer guide: 4 KB in any expression, 300 operators or functions.
 */
const MAX_EXPRESSION_BYTES = 4096;
const MAX_OPERATORS = 300;

const EXPRESSIONS = [
  'UpdateExpression',
  'ConditionExpression',
  'KeyConditionExpression',
  'FilterExpression',
  'ProjectionExpression',
];

/** What DynamoDB answers with a `ValidationException` to these parameters of an operation. Undefined: nothing. */
export function expressionRefusal(parameters: Readonly<Record<string, unknown>>): string | undefined {
  for (const name of EXPRESSIONS) {
    const expression = parameters[name];
    if (typeof expression !== 'string') continue;
    const bytes = Buffer.byteLength(expression);
    if (bytes > MAX_EXPRESSION_BYTES) {
      return `Invalid ${name}: Expression size has exceeded the maximum allowed size; expression size: ${bytes}`;
    }
    const operators = countOperators(expression, name === 'UpdateExpression');
    if (operators > MAX_OPERATORS) {
      return `Invalid ${name}: The expression contains too many operators; operator count: ${operators}`;
    }
  }
  return undefined;
}

const TOKENS = /[#:]?[\w.]+|<>|<=|>=|\S/g;
const COMPARATORS = new Set(['=', '<>', '<', '<=', '>', '>=']);
const KEYWORDS = new Set(['AND', 'OR', 'NOT', 'BETWEEN', 'IN']);

/**
 * Counts comparisons, logical operators, sums and functions. The `=` of SET assigns and is not counted: the guide
 * counts two operators in `SET a = :val1 + :val2 + :val3`.
 */
function countOperators(expression: string, isUpdate: boolean): number {
  const tokens = expression.match(TOKENS) ?? [];
  let count = 0;
  tokens.forEach((token, position) => {
    const isKeyword = KEYWORDS.has(token.toUpperCase());
    const isFunction = !isKeyword && /^[a-z_]+$/.test(token) && tokens[position + 1] === '(';
    if (token === '+' || token === '-' || isKeyword || isFunction) count += 1;
    else if (COMPARATORS.has(token) && !isUpdate) count += 1;
    // `BETWEEN a AND b` is one operator.
    if (token.toUpperCase() === 'BETWEEN') count -= 1;
  });
  return count;
}
