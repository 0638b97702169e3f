// What each entry point exports, and the first sentence that is said about it, read by the TypeScript compiler.
// Rule: the docstring at the declaration decides; there is no text about an export anywhere else.
import { join, relative } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../root.mjs';
import { firstSentence } from './first-sentence.mjs';

/**
 * Reads the entry points of {@link publicEntries}: `{ entry, exports }` each, `exports` being sorted
 * `{ name, kind, summary, declaredIn }`. `summary` is undefined where there is no docstring.
 */
export function readExports(entries) {
  const { program, checker } = compile(entries.map(({ file }) => join(ROOT, file)));
  return entries.map((entry) => {
    const source = program.getSourceFile(join(ROOT, entry.file));
    const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
    return { entry, exports: exported.map((symbol) => describe(checker, symbol)).sort(byName) };
  });
}

function compile(files) {
  const path = join(ROOT, 'tsconfig.base.json');
  const { config, error } = ts.readConfigFile(path, ts.sys.readFile);
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  const { options } = ts.parseJsonConfigFileContent({ ...config, files }, ts.sys, ROOT);
  const program = ts.createProgram(files, options);
  return { program, checker: program.getTypeChecker() };
}

function describe(checker, symbol) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const [declaration] = target.declarations;
  const text = ts.displayPartsToString(target.getDocumentationComment(checker));
  return {
    name: symbol.name,
    kind: kindOf(target.flags),
    summary: text.trim() === '' ? undefined : firstSentence(text),
    declaredIn: relative(ROOT, declaration.getSourceFile().fileName),
  };
}

/** Constants that have a type of their own name (`Status`) are constants. */
function kindOf(flags) {
  if (flags & ts.SymbolFlags.Class) return 'class';
  if (flags & ts.SymbolFlags.Function) return 'function';
  if (flags & ts.SymbolFlags.Variable) return 'constant';
  return 'type';
}

function byName(a, b) {
  return a.name.localeCompare(b.name, 'en');
}
