// What users see of the types: everything that a public declaration names is public itself.

import path from 'node:path';
import ts from 'typescript';

const dist = path.join(__dirname, '../../dist');
const entryPoints = [
  'index.d.ts',
  'integrations/keyv.d.ts',
  'integrations/express-session.d.ts',
  'integrations/memjs.d.ts',
  'integrations/next-cache-handler.d.ts',
  'integrations/otel.d.ts',
];

/** The names in the package's own declarations that users cannot import. */
function hiddenNames(): string[] {
  const files = entryPoints.map((name) => path.join(dist, name));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    types: ['node'],
    lib: ['lib.es2023.d.ts'],
  });
  const checker = program.getTypeChecker();
  const resolve = (symbol: ts.Symbol): ts.Symbol =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const isOwn = (node: ts.Node): boolean => node.getSourceFile().fileName.startsWith(dist);
  const exported = new Set<ts.Symbol>();
  for (const file of files) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${file} is not built`);
    for (const symbol of checker.getExportsOfModule(module)) exported.add(resolve(symbol));
  }
  const hidden = new Set<string>();
  const isNamed = ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias | ts.SymbolFlags.Enum;
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const given = checker.getSymbolAtLocation(node);
      const symbol = given && resolve(given);
      const isHidden = symbol && symbol.flags & isNamed && !exported.has(symbol) && symbol.declarations?.some(isOwn);
      if (isHidden) hidden.add(symbol.name);
    }
    ts.forEachChild(node, visit);
  };
  expect(exported.size).toBeGreaterThan(60);
  for (const symbol of exported) for (const declaration of symbol.declarations ?? []) visit(declaration);
  return [...hidden].sort();
}

test('no internal class or type stands in a public declaration', () => {
  expect(hiddenNames()).toEqual([]);
});
