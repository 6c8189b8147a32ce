import { parseSync } from 'vite';

/** A small change to a source file, such as somebody makes by mistake. */
export interface Mutant {
  /** Path from the project's folder. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly kind: Kind;
  /** What is changed, as offsets: an expression or a whole statement. */
  readonly start: number;
  readonly end: number;
  readonly isStatement: boolean;
  readonly before: string;
  readonly after: string;
}

export type Kind =
  | 'turned comparison'
  | 'boundary'
  | 'and or'
  | 'dropped not'
  | 'off by one'
  | 'true false'
  | 'dropped exit'
  | 'swapped arguments'
  | 'removed call';

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const comparisons: Readonly<Record<string, readonly (readonly [Kind, string])[]>> = {
  '===': [['turned comparison', '!==']],
  '!==': [['turned comparison', '===']],
  '<': [
    ['turned comparison', '>='],
    ['boundary', '<='],
  ],
  '<=': [
    ['turned comparison', '>'],
    ['boundary', '<'],
  ],
  '>': [
    ['turned comparison', '<='],
    ['boundary', '>='],
  ],
  '>=': [
    ['turned comparison', '<'],
    ['boundary', '>'],
  ],
};

/** Parts of a node that are types, or names and no values. */
const noValues = new Set([
  'typeAnnotation',
  'returnType',
  'typeParameters',
  'typeArguments',
  'superTypeArguments',
  'id',
]);
const valuesOfTypeScript = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression']);

/**
 * Every change of these kinds that a file has room for, in the order of the file. Notes are left out: they explain the trace
 * to people, and change nothing that a room does.
 *
 * @throws Error if the file is no TypeScript
 */
export function mutantsOf(file: string, code: string): Mutant[] {
  const mutants: Mutant[] = [];
  const text = ({ start, end }: Node) => code.slice(start, end);
  const add = (kind: Kind, node: Node, after: string) => {
    const { start, end } = node;
    const line = code.slice(0, start).split('\n').length;
    mutants.push({
      file,
      line,
      kind,
      start,
      end,
      isStatement: /Statement$/.test(node.type),
      before: text(node),
      after,
    });
  };

  const visit = (node: Node, parent: Node, key: string, isEarly: boolean) => {
    switch (node.type) {
      case 'BinaryExpression': {
        const [left, right] = [text(node['left'] as Node), text(node['right'] as Node)];
        for (const [kind, operator] of comparisons[node['operator'] as string] ?? [])
          add(kind, node, `${left} ${operator} ${right}`);
        break;
      }
      case 'LogicalExpression': {
        const other = { '&&': '||', '||': '&&' }[node['operator'] as string];
        const sides = [node['left'], node['right']].map((side) => `(${text(side as Node)})`);
        if (other) add('and or', node, `(${sides.join(` ${other} `)})`);
        break;
      }
      case 'UnaryExpression':
        if (node['operator'] === '!') add('dropped not', node, `(${text(node['argument'] as Node)})`);
        break;
      case 'Literal':
        if (typeof node['value'] === 'boolean') add('true false', node, String(!node['value']));
        else if (/^\d{1,2}$/.test(text(node))) add('off by one', node, String(Number(text(node)) + 1));
        break;
      case 'CallExpression': {
        const [first, second] = node['arguments'] as Node[];
        if (first && second && isCondition(parent, key) && !isFunction(first) && !isFunction(second))
          add(
            'swapped arguments',
            node,
            code.slice(node.start, first.start) +
              text(second) +
              code.slice(first.end, second.start) +
              text(first) +
              code.slice(second.end, node.end),
          );
        break;
      }
      case 'ReturnStatement':
        if (isEarly) add('dropped exit', node, node['argument'] ? `void (${text(node['argument'] as Node)});` : ';');
        break;
      case 'ContinueStatement':
        add('dropped exit', node, ';');
        break;
      case 'ExpressionStatement': {
        const call = node['expression'] as Node;
        // The compiler proves that nothing arrives at assertNever.
        if (call.type === 'CallExpression' && !/^super$|^assertNever$|\.note$/.test(text(call['callee'] as Node)))
          add('removed call', node, ';');
        break;
      }
    }
    const early = isFunction(node) ? false : isEarly || node.type === 'IfStatement';
    for (const [name, child] of children(node)) visit(child, node, name, early);
  };
  const { program, errors } = parseSync(file, code);
  if (errors[0]) throw new Error(`${file}: ${errors[0].message}`);
  const top = program as unknown as Node;
  visit(top, top, '', false);
  return mutants;
}

function* children(node: Node): Generator<readonly [string, Node]> {
  for (const [key, value] of Object.entries(node)) {
    if (noValues.has(key) || (key === 'key' && node['computed'] !== true)) continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield [key, child];
  }
}

function isNode(value: unknown): value is Node {
  const type = (value as Partial<Node> | null | undefined)?.type;
  return typeof type === 'string' && (!type.startsWith('TS') || valuesOfTypeScript.has(type));
}

function isFunction({ type }: Node): boolean {
  return /Function/.test(type);
}

function isCondition(parent: Node, key: string): boolean {
  return key === 'test' || parent.type === 'LogicalExpression' || parent['operator'] === '!';
}

/** The file with a change made. */
export function changed(code: string, { start, end, after }: Mutant): string {
  return code.slice(0, start) + after + code.slice(end);
}

/** One line that says where and what. */
export function describeMutant(mutant: Mutant): string {
  return `${mutant.file}:${mutant.line}  ${changeOf(mutant)}`;
}

/** The change alone, such as `a < b → a <= b`: what a list of changes names one by. */
export function changeOf({ before, after, kind }: Mutant): string {
  const short = (text: string) => text.replaceAll(/\s+/g, ' ');
  return kind === 'removed call' || kind === 'dropped exit'
    ? `${kind}: ${short(before)}`
    : `${short(before)} → ${short(after)}`;
}
