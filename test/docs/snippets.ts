/**
 * Reads the TypeScript of a page of documentation, so that it can be compiled and executed as it stands there.
 *
 * A fence says in its info string what its code is:
 *
 *   ts file=crm.app.ts     a module of the page, which its programs import
 *   ts run                 a part of the page's program: the parts are joined in their order, like one module
 *   ts run=second          a part of another program of the page
 *   ts copy=a/file.ts      the same as a file of this repository, which other tests compile and run
 *   ts not-run="why"       not executed, for this reason
 *
 * In programs a comment `// => value` behind a statement says what it gives, and `// => throws code` with which error it
 * fails (`throws command_rejected reason` for a rejection). Both become checks. `…` in an object stands for whatever else
 * is in it.
 *
 * Invariant: code keeps its line, so that an error of the compiler or of a program names the line of the page.
 */

/** One module made of a page. */
export interface PageModule {
  /** The page's path, such as `docs/spaces.md`. */
  readonly page: string;
  /** Its file name in the page's folder. */
  readonly file: string;
  readonly code: string;
  /** Whether it is a program, which runs, or a module that programs import. */
  readonly runs: boolean;
  /** The places of its checks, each of which is to run. */
  readonly checks: readonly string[];
}

/** A fence that is a copy of a file. */
export interface PageCopy {
  readonly page: string;
  readonly line: number;
  readonly path: string;
  readonly code: string;
}

/** A fence that is not executed. */
export interface PageException {
  readonly page: string;
  readonly line: number;
  readonly reason: string;
}

/** All TypeScript of a page. */
export interface PageCode {
  readonly modules: readonly PageModule[];
  readonly copies: readonly PageCopy[];
  readonly exceptions: readonly PageException[];
}

interface Fence {
  /** The line of its first line of code, from 0. */
  readonly line: number;
  readonly info: string;
  readonly lines: readonly string[];
}

/** The TypeScript of a page. Throws where an info string says nothing that is known. */
export function readPage(page: string, text: string): PageCode {
  const copies: PageCopy[] = [];
  const exceptions: PageException[] = [];
  const programs = new Map<string, Fence[]>();
  const files = new Map<string, Fence[]>();
  for (const fence of fencesOf(text)) {
    const at = { page, line: fence.line };
    const { kind, value } = infoOf(fence, page);
    if (kind === 'not-run') exceptions.push({ ...at, reason: value });
    else if (kind === 'copy') copies.push({ ...at, path: value, code: `${fence.lines.join('\n')}\n` });
    else if (kind === 'file') add(files, value, fence);
    else add(programs, `${value}.run.ts`, fence);
  }
  return {
    modules: [
      ...[...files].map(([file, fences]) => moduleOf(page, file, fences, false)),
      ...[...programs].map(([file, fences]) => moduleOf(page, file, fences, true)),
    ],
    copies,
    exceptions,
  };
}

function add(map: Map<string, Fence[]>, name: string, fence: Fence): void {
  map.set(name, [...(map.get(name) ?? []), fence]);
}

function fencesOf(text: string): readonly Fence[] {
  const lines = text.split('\n');
  const fences: Fence[] = [];
  for (let at = 0; at < lines.length; at++) {
    const opening = /^```(\S*)(.*)$/.exec(lines[at] ?? '');
    if (opening === null) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`the fence at line ${at + 1} has no end`);
    const [, language = '', info = ''] = opening;
    if (/^(ts|typescript|js|javascript|mts)$/.test(language)) {
      fences.push({ line: at + 1, info: `${language}${info}`, lines: lines.slice(at + 1, end) });
    }
    at = end;
  }
  return fences;
}

function infoOf(
  { info, line }: Fence,
  page: string,
): { readonly kind: 'file' | 'run' | 'copy' | 'not-run'; readonly value: string } {
  const [, kind, plain, quoted] =
    /^ts (file|run|copy|not-run)(?:=(?:([^\s"]+)|"([^"]+)"))?$/.exec(info) ?? [];
  const value = plain ?? quoted ?? (kind === 'run' ? 'page' : undefined);
  if (kind === undefined || value === undefined || (kind === 'not-run') !== (quoted !== undefined)) {
    throw new Error(`${page}:${line}: the fence '${info}' does not say whether its code runs`);
  }
  return { kind: kind as 'file' | 'run' | 'copy' | 'not-run', value };
}

function moduleOf(page: string, file: string, fences: readonly Fence[], runs: boolean): PageModule {
  const code: string[] = [];
  const checks: string[] = [];
  for (const fence of fences) {
    while (code.length < fence.line) code.push('');
    const place = (offset: number): string => `${page}:${fence.line + offset + 1}`;
    const checked = runs ? withChecks(fence.lines, place) : { lines: fence.lines, checks: [] };
    code.push(...checked.lines);
    checks.push(...checked.checks);
  }
  // The first line of a page is never code.
  code[0] = runs ? "import { gives, fails } from '../checks.js'; void [gives, fails];" : '';
  return { page, file, code: `${code.join('\n')}\nexport {};\n`, runs, checks };
}

/** Makes checks of the comments `// => …`. */
function withChecks(
  given: readonly string[],
  place: (offset: number) => string,
): { readonly lines: readonly string[]; readonly checks: readonly string[] } {
  const lines = [...given];
  const checks: string[] = [];
  for (const [at, line] of given.entries()) {
    const [, code, expected] = /^(.*;)\s*\/\/ => (.+)$/.exec(line) ?? [];
    if (code === undefined || expected === undefined || /^\s*(for|if|while)\b/.test(line)) {
      if (line.includes('// =>')) throw new Error(`${place(at)}: '// =>' stands behind no plain statement`);
      continue;
    }
    lines[at] = code;
    check(lines, at, expected.trim(), place(at));
    checks.push(place(at));
  }
  return { lines, checks };
}

/** Wraps the statement that ends at `end`. */
function check(lines: string[], end: number, expected: string, place: string): void {
  const begin = beginningOf(lines, end);
  const first = lines[begin] ?? '';
  const [, indent = '', declared, name = ''] = /^(\s*)(const (\w+)(?:: [^=]+)? = )?/.exec(first) ?? [];
  const where = JSON.stringify(place);
  if (declared !== undefined) {
    lines[end] += ` gives(${name}, ${codeOf(expected)}, ${where});`;
    return;
  }
  const [, code, reason] = /^throws (\w+)(?: (\w+))?$/.exec(expected) ?? [];
  const [opening, closing] =
    code === undefined
      ? ['gives(', `, ${codeOf(expected)}, ${where});`]
      : ['await fails(async () => (', `), ${JSON.stringify({ code, reason })}, ${where});`];
  lines[begin] = `${indent}${opening}${first.slice(indent.length)}`;
  lines[end] = (lines[end] ?? '').replace(/;$/, closing);
}

/** The line where the statement that ends at `end` begins: the next one above that is as far indented and closes nothing. */
function beginningOf(lines: readonly string[], end: number): number {
  const indent = /^\s*/.exec(lines[end] ?? '')?.[0] ?? '';
  let at = end;
  while (at > 0 && /^\s*[)\]}]/.test(lines[at] ?? '')) {
    do at--;
    while (at > 0 && (lines[at] === '' || /^\s*/.exec(lines[at] ?? '')?.[0] !== indent));
  }
  return at;
}

function codeOf(expected: string): string {
  return expected.replaceAll('…', "'…': true");
}
